#include "base/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <limits>

#include "base/result.h"

namespace fleetmedic {
namespace {

std::string HexOf(const unsigned char* digest, unsigned int digest_bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(size_t{2} * digest_bytes);
  for (unsigned int i = 0; i < digest_bytes; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

}  // namespace

std::string Sha256Hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_bytes = 0;
  FLEETMEDIC_CHECK(
      EVP_Digest(bytes.data(), bytes.size(), digest, &digest_bytes, EVP_sha256(), nullptr) == 1);
  return HexOf(digest, digest_bytes);
}

std::string HmacSha256Hex(std::string_view key, std::string_view bytes) {
  FLEETMEDIC_CHECK(key.size() <= std::numeric_limits<int>::max());
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_bytes = 0;
  FLEETMEDIC_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest,
                        &digest_bytes) != nullptr);
  return HexOf(digest, digest_bytes);
}

struct Sha256::State {
  State() { FLEETMEDIC_CHECK(EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }

  EVP_MD_CTX* const context = EVP_MD_CTX_new();
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::Add(std::string_view bytes) {
  FLEETMEDIC_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::Hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_bytes = 0;
  FLEETMEDIC_CHECK(EVP_DigestFinal_ex(state_->context, digest, &digest_bytes) == 1);
  return HexOf(digest, digest_bytes);
}

}  // namespace fleetmedic
