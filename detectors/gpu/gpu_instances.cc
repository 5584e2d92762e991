#include "detectors/gpu/gpu_instances.h"

namespace fleetmedic {
namespace {

struct Size {
  std::string_view family;
  std::string_view sizes;  // between blanks
  int gpus = 0;
};

constexpr std::string_view kOne = " xlarge 2xlarge 4xlarge 8xlarge 16xlarge ";
constexpr Size kSizes[] = {
    {"p3", " 2xlarge ", 1},
    {"p3", " 8xlarge ", 4},
    {"p3", " 16xlarge ", 8},
    {"p3dn", " 24xlarge ", 8},
    {"p4d", " 24xlarge ", 8},
    {"p4de", " 24xlarge ", 8},
    {"p5", " 4xlarge ", 1},
    {"p5", " 48xlarge ", 8},
    {"p5e", " 48xlarge ", 8},
    {"p5en", " 48xlarge ", 8},
    {"p6-b200", " 48xlarge ", 8},
    {"g4dn", kOne, 1},
    {"g4dn", " 12xlarge ", 4},
    {"g4dn", " metal ", 8},
    {"g5", kOne, 1},
    {"g5", " 12xlarge 24xlarge ", 4},
    {"g5", " 48xlarge ", 8},
    {"g5g", " xlarge 2xlarge 4xlarge 8xlarge ", 1},
    {"g5g", " 16xlarge metal ", 2},
    {"g6", kOne, 1},
    {"g6", " 12xlarge 24xlarge ", 4},
    {"g6", " 48xlarge ", 8},
    {"gr6", " 4xlarge 8xlarge ", 1},
    {"g6e", kOne, 1},
    {"g6e", " 12xlarge 24xlarge ", 4},
    {"g6e", " 48xlarge ", 8},
};

}  // namespace

int GpusOfInstanceType(std::string_view type) {
  const size_t dot = type.find('.');
  if (dot == std::string_view::npos || dot + 1 == type.size()) return 0;
  const std::string_view name = type.substr(dot + 1);
  for (const Size& size : kSizes) {
    if (size.family != type.substr(0, dot)) continue;
    const size_t at = size.sizes.find(name);
    if (at != std::string_view::npos && size.sizes[at - 1] == ' ' &&
        size.sizes[at + name.size()] == ' ') {
      return size.gpus;
    }
  }
  return 0;
}

}  // namespace fleetmedic
