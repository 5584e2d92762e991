#include "console/static_files.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/sha256.h"
#include "base/text.h"

// Made by console/CMakeLists.txt: ends with an entry whose name is null.
struct FleetmedicEmbeddedFile {
  const char* name;
  const char* begin;
  const char* end;
};
extern "C" const FleetmedicEmbeddedFile fleetmedic_embedded_files[];

namespace fleetmedic {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

std::string ContentType(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

std::vector<StaticFile> LoadFiles() {
  std::vector<StaticFile> files;
  for (const FleetmedicEmbeddedFile* file = fleetmedic_embedded_files; file->name != nullptr;
       ++file) {
    StaticFile& added = files.emplace_back();
    added.name = file->name;
    added.bytes = {file->begin, static_cast<size_t>(file->end - file->begin)};
    added.content_type = ContentType(added.name);
    added.etag = '"' + Sha256Hex(added.bytes) + '"';
  }
  return files;
}

}  // namespace

std::span<const StaticFile> StaticFiles() {
  static const std::vector<StaticFile> files = LoadFiles();
  return files;
}

HttpResponse ServeStatic(const HttpRequest& request, std::string_view name) {
  const std::span<const StaticFile> files = StaticFiles();
  const auto file = std::ranges::find(files, name, &StaticFile::name);
  if (file == files.end()) {
    return HttpResponse::Problem({Code::kNotFound, "there is nothing at " + Quote(request.path)});
  }
  HttpResponse response;
  // Asked again each time, and answered with 304: an upgrade leaves nobody half of the old page.
  response.headers["cache-control"] = "no-cache";
  response.headers["etag"] = file->etag;
  response.headers["content-security-policy"] = kPolicy;
  response.headers["x-content-type-options"] = "nosniff";
  response.headers["referrer-policy"] = "no-referrer";
  response.headers["cross-origin-resource-policy"] = "same-origin";
  for (const std::string_view known : Split(request.header("if-none-match"), ',')) {
    std::string_view tag = Trim(known);
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == file->etag || tag == "*") {
      response.status = 304;
      return response;
    }
  }
  response.content_type = file->content_type;
  response.body = std::string(file->bytes);
  return response;
}

}  // namespace fleetmedic
