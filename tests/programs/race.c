/* A hostile guest: for SECONDS it renames, links and swaps everything in its one granted directory,
 * while it opens, reads, lists, stats and writes through deep paths full of "..". It wins if it
 * reads the secret, or sees one of the inodes given: they lie outside.
 *
 *     race SECONDS SEED INODE...
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *names[] = {"a", "b", "c", "d"};
static const char *climbs[] = {"..", ".", "../..", "../../..", "x/..", "a", "b", "../secret",
                               "../b/../secret", "/secret", "/", "../outside/secret"};
static unsigned long long seed;
static unsigned long calls, done, wins;
static int outside_count;
static char **outside;

static unsigned pick(unsigned below) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % below;
}

static const char *path(char *into) {
    into[0] = 0;
    for (unsigned left = 1 + pick(6); left; left--) {
        unsigned which = pick(10);
        strcat(into, which < 8 ? names[which % 4] : which == 8 ? ".." : ".");
        strcat(into, "/");
    }
    unsigned last = pick(6);
    strcat(into, last < 4 ? names[last] : last == 4 ? "secret" : "file");
    return into;
}

static void won(const char *how, const char *where) {
    wins++;
    printf("won: %s %s\n", how, where);
}

static void look(const struct stat *found, const char *how, const char *where) {
    for (int i = 0; i < outside_count; i++)
        if (found->st_ino == strtoull(outside[i], 0, 10)) won(how, where);
}

static void read_it(int fd, const char *where) {
    char data[4096];
    struct stat found;
    if (!fstat(fd, &found)) look(&found, "opened", where);
    ssize_t got = read(fd, data, sizeof data - 1);
    if (got > 0) {
        data[got] = 0;
        if (strstr(data, "THE SECRET")) won("read", where);
    }
}

static void list(const char *where) {
    DIR *dir = opendir(where);
    struct dirent *entry;
    if (!dir) return;
    while ((entry = readdir(dir))) {
        for (int i = 0; i < outside_count; i++) /* ".." has the inode of the root itself, or 0 */
            if (entry->d_ino == strtoull(outside[i], 0, 10)) won("listed", where);
        int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | (pick(2) ? O_NOFOLLOW : 0));
        if (fd >= 0) read_it(fd, entry->d_name), close(fd);
    }
    closedir(dir);
}

static int attack(void) {
    char one[256], other[256];
    struct stat found;
    path(one), path(other);
    switch (pick(16)) {
    case 0: return mkdir(one, 0777);
    case 1: case 2: case 3: return rename(one, other);
    case 4: case 5: return symlink(climbs[pick(sizeof climbs / sizeof *climbs)], one);
    case 6: return link(one, other);
    case 7: return unlink(one);
    case 8: return rmdir(one);
    case 9:
        if (stat(one, &found)) return -1;
        look(&found, "stat", one);
        return 0;
    case 10: list(one); return 0;
    case 11: {
        int fd = open(one, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        if (fd < 0) return -1;
        fstat(fd, &found), look(&found, "opened to write", one);
        if (write(fd, "guest\n", 6) < 0) errno = 0;
        return close(fd);
    }
    case 12: return truncate(one, 0);
    case 13: {
        char target[256];
        return readlink(one, target, sizeof target) < 0 ? -1 : 0;
    }
    default: {
        int fd = open(one, O_RDONLY);
        if (fd < 0) return -1;
        read_it(fd, one);
        return close(fd);
    }
    }
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    time_t end = time(0) + atoi(argv[1]);
    seed = strtoull(argv[2], 0, 10) * 2654435761u + 1;
    outside = argv + 3;
    outside_count = argc - 3;
    while (time(0) < end)
        for (int i = 0; i < 100; i++) calls++, done += !attack();
    printf("%lu calls, %lu succeeded, %lu wins\n", calls, done, wins);
    return wins ? 1 : 0;
}
