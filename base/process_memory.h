// How much of the machine's memory a small daemon holds.
#ifndef FLEETMEDIC_BASE_PROCESS_MEMORY_H_
#define FLEETMEDIC_BASE_PROCESS_MEMORY_H_

namespace fleetmedic {

// Threads share two heaps, where the C library would give each of many its own, with what it keeps
// for later. For a process whose threads mostly wait. Before the first thread.
void ShareHeaps();

// Unmaps the pages of code and constants that the program and its libraries have touched: those
// that are used again come back from the page cache, at a fault each, and those that only the start
// needed (reading options and config, registering metrics) do not. Thread-safe; takes under a
// millisecond. A breakpoint that a debugger has set by now is lost.
void DropCodePages();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_PROCESS_MEMORY_H_
