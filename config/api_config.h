// What the API is told, with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_API_CONFIG_H_
#define FLEETMEDIC_CONFIG_API_CONFIG_H_

#include <cstdint>
#include <string>

namespace fleetmedic {

// [api]
struct ApiConfig {
  std::string listen_address = "127.0.0.1";
  uint16_t port = 7480;  // 0: any that is free
  int streams_max = 64;
  std::string token_file;  // empty: STATE_DIR/api-token, made at the first start
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_API_CONFIG_H_
