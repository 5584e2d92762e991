// What a long command shows while it runs, and how it hears that it shall stop.
#ifndef FLEETMEDIC_APP_PROGRESS_H_
#define FLEETMEDIC_APP_PROGRESS_H_

#include <string>

#include "app/cli/command.h"

namespace fleetmedic {

// Whether SIGINT has come.
bool Interrupted(const cli::Invocation& call);

// One line of stderr that is written over, and gone at the end; nothing where stderr is no terminal
// or the command is to be quiet.
class ProgressLine {
 public:
  // Not copied; must outlive this.
  explicit ProgressLine(const cli::Invocation& call);
  ~ProgressLine() { Write(""); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Whether the next Show would be seen: not so soon after the last.
  bool Due() const;
  void Show(const std::string& text);

 private:
  void Write(const std::string& text);

  const cli::Invocation& call_;
  const bool shown_;
  MonoTime last_at_{};
  size_t columns_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_PROGRESS_H_
