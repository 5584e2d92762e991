// Only in builds for ThreadSanitizer. Debian's Abseil is a library that the sanitizer did not
// compile, so it would not see what absl::Mutex orders and report races everywhere. The linker
// (--wrap, see CMakeLists.txt) leads calls of our code through these functions, which tell it.
//
// Conditions (Await, LockWhen) are evaluated inside the library by whichever thread holds the
// lock; what is read meanwhile is not checked.

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

extern "C" {

// <sanitizer/tsan_interface.h> and dynamic_annotations: declared here because g++ 12 ships neither.
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);

}  // extern "C"

namespace {

class Unchecked {
 public:
  Unchecked() { AnnotateIgnoreReadsBegin(__FILE__, __LINE__); }
  Unchecked(const Unchecked&) = delete;
  Unchecked& operator=(const Unchecked&) = delete;
  ~Unchecked() { AnnotateIgnoreReadsEnd(__FILE__, __LINE__); }
};

void Acquire(const void* address) { __tsan_acquire(const_cast<void*>(address)); }
void Release(const void* address) { __tsan_release(const_cast<void*>(address)); }

}  // namespace

// The member function `name` (mangled) with its object as first argument, which ABIs agree on.
// `before` and `after` stand around the real call.
#define FLEETMEDIC_WRAP(result, name, parameters, arguments, before, after) \
  extern "C" result __real_##name parameters;                               \
  extern "C" result __wrap_##name parameters;                               \
  extern "C" result __wrap_##name parameters {                              \
    before;                                                                 \
    struct After {                                                          \
      const void* object;                                                   \
      ~After() { after; }                                                   \
    } at_end{self};                                                         \
    const Unchecked unchecked;                                              \
    return __real_##name arguments;                                         \
  }

using absl::Barrier;
using absl::BlockingCounter;
using absl::Condition;
using absl::CondVar;
using absl::Duration;
using absl::Mutex;
using absl::Notification;

FLEETMEDIC_WRAP(void, _ZN4absl7debian35Mutex4LockEv, (Mutex * self), (self), , Acquire(object))
FLEETMEDIC_WRAP(void, _ZN4absl7debian35Mutex6UnlockEv, (Mutex * self), (self), Release(self), )
FLEETMEDIC_WRAP(void, _ZN4absl7debian35Mutex10ReaderLockEv, (Mutex * self), (self), ,
                Acquire(object))
FLEETMEDIC_WRAP(void, _ZN4absl7debian35Mutex12ReaderUnlockEv, (Mutex * self), (self),
                Release(self), )
FLEETMEDIC_WRAP(bool, _ZN4absl7debian35Mutex7TryLockEv, (Mutex * self), (self), , Acquire(object))
FLEETMEDIC_WRAP(void, _ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE,
                (Mutex * self, const Condition& condition), (self, condition), Release(self),
                Acquire(object))
FLEETMEDIC_WRAP(bool, _ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE,
                (Mutex * self, const Condition& condition, Duration timeout),
                (self, condition, timeout), Release(self), Acquire(object))
FLEETMEDIC_WRAP(void, _ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE,
                (Mutex * self, const Condition& condition), (self, condition), , Acquire(object))

// The condition variable's mutex is what is given up and taken again.
extern "C" {
void __real__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(CondVar* self, Mutex* mutex);
void __wrap__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(CondVar* self, Mutex* mutex);
void __wrap__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(CondVar* self, Mutex* mutex) {
  Release(mutex);
  __real__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(self, mutex);
  Acquire(mutex);
}
bool __real__ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE(CondVar* self,
                                                                                 Mutex* mutex,
                                                                                 Duration timeout);
bool __wrap__ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE(CondVar* self,
                                                                                 Mutex* mutex,
                                                                                 Duration timeout);
bool __wrap__ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE(CondVar* self,
                                                                                 Mutex* mutex,
                                                                                 Duration timeout) {
  Release(mutex);
  const bool timed_out =
      __real__ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE(self, mutex,
                                                                                  timeout);
  Acquire(mutex);
  return timed_out;
}
}  // extern "C"

FLEETMEDIC_WRAP(void, _ZN4absl7debian312Notification6NotifyEv, (Notification * self), (self),
                Release(self), )
FLEETMEDIC_WRAP(void, _ZNK4absl7debian312Notification19WaitForNotificationEv,
                (const Notification* self), (self), , Acquire(object))
FLEETMEDIC_WRAP(bool, _ZN4absl7debian315BlockingCounter14DecrementCountEv, (BlockingCounter * self),
                (self), Release(self), )
FLEETMEDIC_WRAP(void, _ZN4absl7debian315BlockingCounter4WaitEv, (BlockingCounter * self), (self), ,
                Acquire(object))
FLEETMEDIC_WRAP(bool, _ZN4absl7debian37Barrier5BlockEv, (Barrier * self), (self), Release(self),
                Acquire(object))
