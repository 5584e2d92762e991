// The page, as it lies in console/web/dist, inside the binary.
#ifndef FLEETMEDIC_CONSOLE_STATIC_FILES_H_
#define FLEETMEDIC_CONSOLE_STATIC_FILES_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/http.h"

namespace fleetmedic {

struct StaticFile {
  std::string name;        // "app.js"
  std::string_view bytes;  // for the life of the process
  std::string content_type;
  std::string etag;  // quoted SHA-256
};

// Every file of the list in console/CMakeLists.txt. Thread-safe.
std::span<const StaticFile> StaticFiles();

// 200, 304 where If-None-Match names the file's ETag, 404. With the headers that keep the page to
// itself: it loads nothing from elsewhere, runs no inline script and stands in no frame.
HttpResponse ServeStatic(const HttpRequest& request, std::string_view name);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_STATIC_FILES_H_
