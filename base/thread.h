// How a thread is started. Nothing outside base/ starts one.
#ifndef FLEETMEDIC_BASE_THREAD_H_
#define FLEETMEDIC_BASE_THREAD_H_

#include <functional>
#include <string_view>
#include <thread>

namespace fleetmedic {

// A thread with this name (the first 15 bytes are shown by the kernel) that takes no signals: they
// are the main thread's. An exception that leaves `body` ends the process.
std::thread StartThread(std::string_view name, std::function<void()> body);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_THREAD_H_
