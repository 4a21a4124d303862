/* A library to preload: the n-th call of one kind on a file below one folder fails, as a broken disk makes it fail.
 *
 * The program under test is not touched: it calls libc, libc's answer is an error number. Calls on files elsewhere
 * are neither counted nor failed. What the kernel would have lost is lost here too, because an error that somebody
 * swallows must show afterwards: a file whose sync failed is cut to what was synced before, and a name whose folder
 * could not be synced is gone. (Not for SQLite's own files: it must cope with its bytes being there or not.)
 *
 * The driver calls fault_watch, fault_arm, fault_hold, fault_seen and fault_struck through ctypes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { FSYNC, FDATASYNC, WRITE, PWRITE, OPEN, LINK, RENAME, MKDIR, TRUNCATE, READ, PREAD, KINDS };

static char watched[PATH_MAX], struck[PATH_MAX], last_name[PATH_MAX];
static long seen[KINDS];
static int armed = -1, with_error, held;
static long at;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void fault_watch(const char *folder) { snprintf(watched, sizeof watched, "%s/", folder); }

void fault_arm(int kind, long nth, int error)
{
    memset(seen, 0, sizeof seen);
    struck[0] = last_name[0] = 0;
    armed = kind, at = nth, with_error = error;
}

/* While held, nothing is counted and nothing fails: the driver looks for itself. */
void fault_hold(int is_held) { held = is_held; }

long fault_seen(int kind) { return seen[kind]; }

const char *fault_struck(void) { return struck; }

static int strikes(enum kind kind, const char *path)
{
    if (held || !watched[0] || strncmp(path, watched, strlen(watched)) != 0)
        return 0;
    if (++seen[kind] != at || (int)kind != armed)
        return 0;
    snprintf(struck, sizeof struck, "%s", path);
    errno = with_error;
    return 1;
}

static const char *path_of(int fd, char *place)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, place, PATH_MAX - 1);
    place[length < 0 ? 0 : length] = 0;
    return place;
}

static int is_of_sqlite(const char *path) { return strstr(path, ".sqlite3") != NULL; }

/* What a failed sync may cost: everything that was not on the disk before. */
static void lose(int fd, const char *path)
{
    struct stat about;
    int error = errno;
    if (is_of_sqlite(path) || fstat(fd, &about) != 0)
        return;
    if (S_ISREG(about.st_mode))
        REAL(ftruncate)(fd, 0);
    else if (S_ISDIR(about.st_mode) && last_name[0]) {
        const char *base = strrchr(last_name, '/');
        if (base && (size_t)(base - last_name) == strlen(path) && !strncmp(last_name, path, strlen(path)))
            unlink(last_name);
    }
    errno = error;
}

static int synced(enum kind kind, int fd)
{
    char place[PATH_MAX];
    if (!strikes(kind, path_of(fd, place)))
        return kind == FSYNC ? REAL(fsync)(fd) : REAL(fdatasync)(fd);
    lose(fd, place);
    return -1;
}

int fsync(int fd) { return synced(FSYNC, fd); }
int fdatasync(int fd) { return synced(FDATASYNC, fd); }

ssize_t write(int fd, const void *bytes, size_t length)
{
    char place[PATH_MAX];
    return strikes(WRITE, path_of(fd, place)) ? -1 : REAL(write)(fd, bytes, length);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    char place[PATH_MAX];
    return strikes(PWRITE, path_of(fd, place)) ? -1 : REAL(pwrite64)(fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

ssize_t read(int fd, void *bytes, size_t length)
{
    char place[PATH_MAX];
    return strikes(READ, path_of(fd, place)) ? -1 : REAL(read)(fd, bytes, length);
}

ssize_t pread64(int fd, void *bytes, size_t length, off64_t offset)
{
    char place[PATH_MAX];
    return strikes(PREAD, path_of(fd, place)) ? -1 : REAL(pread64)(fd, bytes, length, offset);
}

ssize_t pread(int fd, void *bytes, size_t length, off_t offset) { return pread64(fd, bytes, length, offset); }

static int opened(int folder, const char *path, int flags, mode_t mode)
{
    return strikes(OPEN, path) ? -1 : REAL(openat64)(folder, path, flags, mode);
}

#define MODE(mode, flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) { MODE(mode, flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(mode, flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(mode, flags) return opened(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE(mode, flags) return opened(folder, path, flags, mode); }

static int named(int done, const char *path)
{
    if (done == 0)
        snprintf(last_name, sizeof last_name, "%s", path);
    return done;
}

int link(const char *from, const char *to) { return strikes(LINK, to) ? -1 : named(REAL(link)(from, to), to); }

int linkat(int old, const char *from, int new, const char *to, int flags)
{
    return strikes(LINK, to) ? -1 : named(REAL(linkat)(old, from, new, to, flags), to);
}

int rename(const char *from, const char *to) { return strikes(RENAME, to) ? -1 : named(REAL(rename)(from, to), to); }

int renameat(int old, const char *from, int new, const char *to)
{
    return strikes(RENAME, to) ? -1 : named(REAL(renameat)(old, from, new, to), to);
}

int mkdir(const char *path, mode_t mode) { return strikes(MKDIR, path) ? -1 : REAL(mkdir)(path, mode); }

int ftruncate64(int fd, off64_t length)
{
    char place[PATH_MAX];
    return strikes(TRUNCATE, path_of(fd, place)) ? -1 : REAL(ftruncate64)(fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
