// A file system that lacks something, as a library for LD_PRELOAD.
//
// LACKS names one operation, which then fails with the error number in LACKS_ERRNO:
//   folder-sync    fsync of a folder
//   flock          flock
//   posix-locks    locks by fcntl
//   shared-memory  shared mappings of files
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace {

bool lacks(const char *operation) {
    const char *lacked = std::getenv("LACKS");
    return lacked != nullptr && std::strcmp(lacked, operation) == 0;
}

int fail() {
    errno = std::atoi(std::getenv("LACKS_ERRNO"));
    return -1;
}

template <typename Function> Function *real(const char *name) {
    return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

bool is_lock(int command) {
    return command == F_SETLK || command == F_SETLKW || command == F_GETLK;
}

} // namespace

extern "C" {

int fsync(int file) {
    struct stat found;
    if (lacks("folder-sync") && fstat(file, &found) == 0 && S_ISDIR(found.st_mode)) {
        return fail();
    }
    return real<int(int)>("fsync")(file);
}

int flock(int file, int operation) {
    return lacks("flock") ? fail() : real<int(int, int)>("flock")(file, operation);
}

int fcntl(int file, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (lacks("posix-locks") && is_lock(command)) {
        return fail();
    }
    return real<int(int, int, ...)>("fcntl")(file, command, argument);
}

int fcntl64(int file, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (lacks("posix-locks") && is_lock(command)) {
        return fail();
    }
    return real<int(int, int, ...)>("fcntl64")(file, command, argument);
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    if (lacks("shared-memory") && file >= 0 && (flags & MAP_SHARED) != 0) {
        fail();
        return MAP_FAILED;
    }
    using Map = void *(void *, size_t, int, int, int, off_t);
    return real<Map>("mmap")(address, length, protection, flags, file, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int file, off64_t offset) {
    return mmap(address, length, protection, flags, file, offset);
}
}
