// What a fork costs are its page tables and the pages that it touches, above all where a hypervisor shadows both: the heap
// is laid together, code is put on huge pages, and what every fork writes to is copied at once.
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096ul
#define HUGE (2ul << 20)
#define MOST_MAPS 2000
/** Forks that are looked at to see which pages they write to. */
#define LOOKS 4

struct map {
  unsigned long from, to;
  char flags[5], path[256];
};

static struct map maps[MOST_MAPS];

/** V8 asks for its memory at addresses all over, each of which takes page tables of its own. */
void *mmap64(void *at, size_t size, int prot, int flags, int file, off64_t offset) {
  static char *next = (char *)(1ul << 45);
  const size_t unit = 256 << 10;
  if (at && !(flags & MAP_FIXED)) {
    at = next;
    // It asks for nearly twice what it needs, and gives back what lies beside the unit.
    next += size < 2 * unit ? unit : (size + unit - 1) / unit * unit;
  }
  return (void *)syscall(SYS_mmap, at, size, prot, flags, file, offset);
}

/** V8 keeps its memory from forks. */
int madvise(void *at, size_t size, int advice) {
  return advice == MADV_DONTFORK ? 0 : (int)syscall(SYS_madvise, at, size, advice);
}

static int read_maps(void) {
  FILE *file = fopen("/proc/self/maps", "r");
  char line[4096];
  int count = 0;
  while (file && count < MOST_MAPS && fgets(line, sizeof line, file)) {
    struct map *map = &maps[count];
    map->path[0] = 0;
    if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %255s", &map->from, &map->to, map->flags, map->path) >= 3) count++;
  }
  if (file) fclose(file);
  return count;
}

/** Puts code and constants on huge pages. Those of a file would be mapped again in each fork, one by one. */
static void copy_code(void) {
  for (int i = read_maps() - 1; i >= 0; i--) {
    struct map *map = &maps[i];
    if (map->path[0] != '/' || map->flags[0] != 'r' || map->flags[1] == 'w') continue;
    size_t size = map->to - map->from;
    char *room = mmap(NULL, size + 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return;
    char *copy = (char *)(((unsigned long)room + HUGE - 1) / HUGE * HUGE + map->from % HUGE);
    madvise(copy, size, MADV_HUGEPAGE);
    memcpy(copy, (void *)map->from, size);
    mprotect(copy, size, PROT_READ | (map->flags[2] == 'x' ? PROT_EXEC : 0));
    mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)map->from);
    munmap(room, copy - room);
    munmap(copy + size, room + 2 * HUGE - copy);
  }
}

/** Takes all that lies free between what is used, so that a fork finds what it asks for together, behind it. */
static void fill_gaps(void) {
  for (size_t size = 65536; size >= 24; size = size > 1040 ? size / 2 : size - 16) {
    char *behind = (char *)sbrk(0) - mallinfo2().keepcost, *got;
    while ((got = malloc(size)) && got < behind) {}
    free(got);
  }
}

/** How often each page of the heaps was written to by a fork, from the map's first on; shared with the forks. */
static struct hot {
  unsigned long from, pages;
  unsigned char *times;
} hot[MOST_MAPS];
static int hot_count, looks;
static struct iovec written[MOST_MAPS];
static int written_count;

static void begin_to_look(void) {
  hot_count = written_count = 0;
  for (int i = 0, count = read_maps(); i < count; i++) {
    if (strncmp(maps[i].flags, "rw", 2) != 0 || maps[i].flags[3] != 'p' || strcmp(maps[i].path, "[stack]") == 0) continue;
    struct hot *own = &hot[hot_count++];
    own->from = maps[i].from;
    own->pages = (maps[i].to - maps[i].from) / PAGE;
    own->times = mmap(NULL, own->pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (own->times == MAP_FAILED) hot_count--;
  }
  looks = LOOKS;
}

/** Of a fork: the pages that lie in frames of memory of its own. Only root is told which frames. */
static void look(void) {
  char parent[50];
  snprintf(parent, sizeof parent, "/proc/%d/pagemap", getppid());
  int own = open("/proc/self/pagemap", O_RDONLY), theirs = open(parent, O_RDONLY);
  for (int i = 0; i < hot_count; i++)
    for (unsigned long page = 0; page < hot[i].pages;) {
      static unsigned long mine[512], before[512];
      size_t count = hot[i].pages - page < 512 ? hot[i].pages - page : 512;
      off_t at = (hot[i].from / PAGE + page) * 8;
      if (pread(own, mine, count * 8, at) < 0 || pread(theirs, before, count * 8, at) < 0) break;
      for (size_t k = 0; k < count; k++)
        if (mine[k] >> 63 && (mine[k] ^ before[k]) << 9) hot[i].times[page + k]++;
      page += count;
    }
}

static void end_looks(void) {
  for (int i = 0; i < hot_count; i++) {
    for (unsigned long page = 0; page < hot[i].pages && written_count < MOST_MAPS; page++) {
      if (hot[i].times[page] <= LOOKS / 2) continue;
      char *at = (char *)hot[i].from + page * PAGE;
      struct iovec *last = written_count ? &written[written_count - 1] : NULL;
      if (last && (char *)last->iov_base + last->iov_len == at) last->iov_len += PAGE;
      else written[written_count++] = (struct iovec){at, PAGE};
    }
    munmap(hot[i].times, hot[i].pages);
  }
}
