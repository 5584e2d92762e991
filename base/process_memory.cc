#include "base/process_memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace fleetmedic {
namespace {

// Code that was changed when it was loaded (text relocations) would come back as it is in the file.
bool HasTextRelocations(const dl_phdr_info& object) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object.dlpi_phdr[i];
    if (part.p_type != PT_DYNAMIC) continue;
    const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + part.p_vaddr);
    for (; entry->d_tag != DT_NULL; ++entry) {
      if (entry->d_tag == DT_TEXTREL) return true;
      if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0) return true;
    }
  }
  return false;
}

int DropPagesOf(dl_phdr_info* object, size_t, void*) {
  if (HasTextRelocations(*object)) return 0;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    // What may be written holds this process's own values, also where it was sealed since.
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0) continue;
    const uintptr_t begin = (object->dlpi_addr + part.p_vaddr) & ~(page - 1);
    const uintptr_t end = object->dlpi_addr + part.p_vaddr + part.p_memsz;
    // The kernel's own object in every process refuses, and nothing else does.
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void ShareHeaps() { (void)::mallopt(M_ARENA_MAX, 2); }

void DropCodePages() { (void)::dl_iterate_phdr(DropPagesOf, nullptr); }

}  // namespace fleetmedic
