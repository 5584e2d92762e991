// The SHA-256 of a text (FIPS 180-4): for names that follow from content and for hash chains; with
// a key (HMAC, RFC 2104) for signatures.
#ifndef FLEETMEDIC_BASE_SHA256_H_
#define FLEETMEDIC_BASE_SHA256_H_

#include <memory>
#include <string>
#include <string_view>

namespace fleetmedic {

// 64 lower-case hexadecimal digits. Thread-safe.
std::string Sha256Hex(std::string_view bytes);

// The HMAC of `bytes` under `key`, in the same form. Thread-safe.
std::string HmacSha256Hex(std::string_view key, std::string_view bytes);

// The same of a text that comes in parts. Owned by one thread.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void Add(std::string_view bytes);
  // Of all that was added; nothing may be added after it.
  std::string Hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_SHA256_H_
