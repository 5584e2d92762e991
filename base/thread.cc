#include "base/thread.h"

#include <pthread.h>
#include <signal.h>

#include <string>
#include <utility>

#include "base/result.h"

namespace fleetmedic {
namespace {

constexpr size_t kThreadNameBytesMax = 15;  // TASK_COMM_LEN less the zero at the end

void RunThread(const std::string& name, const std::function<void()>& body) noexcept {
  pthread_setname_np(pthread_self(), name.c_str());
  body();
}

}  // namespace

std::thread StartThread(std::string_view name, std::function<void()> body) {
  // A thread inherits the mask; set here, there is no moment in which it could take a signal. A
  // fault of the thread itself (SIGSEGV and its like) ends the process whatever the mask says.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, fault);
  FLEETMEDIC_CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
  std::thread thread([shown = std::string(name.substr(0, kThreadNameBytesMax)),
                      run = std::move(body)] { RunThread(shown, run); });
  FLEETMEDIC_CHECK(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  return thread;
}

}  // namespace fleetmedic
