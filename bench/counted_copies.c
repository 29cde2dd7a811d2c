/* Preloaded into a process, adds up the bytes that memcpy, memmove and mempcpy move, in the file COPIED_BYTES_FILE. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static atomic_ullong before_start;
static atomic_ullong *copied = &before_start;

__attribute__((constructor)) static void share_counter(void) {
    const char *path = getenv("COPIED_BYTES_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof *copied, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (shared != MAP_FAILED) copied = shared;
}

static void *copy(void *to, const void *from, size_t size) {
    char *target = to;
    const char *source = from;
    atomic_fetch_add_explicit(copied, size, memory_order_relaxed);
    if (target <= source)
        for (size_t index = 0; index < size; index++) target[index] = source[index];
    else
        while (size--) target[size] = source[size];
    return to;
}

void *memcpy(void *to, const void *from, size_t size) { return copy(to, from, size); }
void *memmove(void *to, const void *from, size_t size) { return copy(to, from, size); }
void *mempcpy(void *to, const void *from, size_t size) { return (char *)copy(to, from, size) + size; }
void *__memcpy_chk(void *to, const void *from, size_t size, size_t room) { (void)room; return copy(to, from, size); }
void *__memmove_chk(void *to, const void *from, size_t size, size_t room) { (void)room; return copy(to, from, size); }
