// Prints the pages of docs/conditions into a folder.
#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "detectors/condition_types.h"

namespace {

using namespace fleetmedic;

int Print(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  Status written = WriteFileAtomic((folder / "README.md").string(), ConditionIndex());
  for (const ConditionType& type : ConditionTypes()) {
    if (!written) break;
    written =
        WriteFileAtomic((folder / (std::string(type.type) + ".md")).string(), ConditionPage(type));
  }
  if (written) return 0;
  std::fprintf(stderr, "print_conditions: %s\n", written.error().message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: print_conditions FOLDER\n");
    return 2;
  }
  return Print(argv[1]);
}
