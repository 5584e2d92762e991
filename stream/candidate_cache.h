// Compiled rules kept on the disk by their content: compiling hundreds of them takes most of a
// second, reading them back a few milliseconds.
#ifndef FLEETMEDIC_STREAM_CANDIDATE_CACHE_H_
#define FLEETMEDIC_STREAM_CANDIDATE_CACHE_H_

#include <memory>
#include <span>
#include <string>

#include "stream/candidates.h"

namespace fleetmedic {

// A folder of files, each named by the digest of its expressions, of their flags and of the engine
// and the processor that it was compiled for. A file is believed when it is a plain file of our
// own user that nobody else may write, and its content has the digest that it says; anything else
// is as if it were not there. Thread-safe: nothing is kept in memory.
class CandidateCache {
 public:
  // More are removed when one is added, the ones that were not used for longest first.
  static constexpr size_t kFilesMax = 8;
  static constexpr size_t kFileBytesMax = size_t{64} << 20;

  // The folder is made when something is put there.
  explicit CandidateCache(std::string folder) : folder_(std::move(folder)) {}

  // Null where there is none that can be believed.
  std::shared_ptr<const CandidateDatabase> Get(
      std::span<const CandidateExpression> expressions) const;
  // For the next process. An error changes nothing: the next one compiles.
  Status Put(std::span<const CandidateExpression> expressions,
             const CandidateDatabase& database) const;

  // Where it is kept.
  std::string PathOf(std::span<const CandidateExpression> expressions) const;

 private:
  void RemoveOldest() const;

  const std::string folder_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_CANDIDATE_CACHE_H_
