/* Millpond: an off-heap buffer pool that gives memory back. C interface, version 0.1.
 *
 * Every function may be called from any thread. Those that return int return MILLPOND_OK or a negative error; after an
 * error the pool is as it was before. The library has neither threads nor a clock: call millpond_tick about ten times
 * per decay time, or nothing goes back to the operating system but by millpond_trim and millpond_close.
 *
 * A forked child can read and write the blocks that it inherited, and make pools of its own. A pool of its parent does
 * nothing there: allocations and new limits get MILLPOND_EFORKED, what is given back is ignored, figures are 0. */
#ifndef MILLPOND_H
#define MILLPOND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MILLPOND_OK 0
#define MILLPOND_ELIMIT (-1)   /* the limit of the pool is reached */
#define MILLPOND_ECLOSED (-2)  /* the pool is closed */
#define MILLPOND_ENOMEM (-3)   /* the operating system gave no memory (no limit of a pool); errno says why */
#define MILLPOND_EPANIC (-4)   /* a bug in this library */
#define MILLPOND_EINVAL (-5)   /* an argument is null or out of its range */
#define MILLPOND_EBADFREE (-6) /* the address is not the start of a live block, or of one of that size */
#define MILLPOND_EFORKED (-7)  /* this process was forked from the one that made the pool */

#define MILLPOND_SIZE_CLASSES 104
#define MILLPOND_CHUNK_LISTS 6
#define MILLPOND_ARENAS_MAX 64
#define MILLPOND_STATS_VERSION 2

typedef struct millpond_pool millpond_pool;

/* Zero takes the default of each. */
typedef struct millpond_options {
    const char *name;          /* 1 to 64 bytes of UTF-8, in errors and in pmap; "millpond" */
    size_t max_bytes;          /* hard limit on committed bytes; none */
    uint64_t decay_millis;     /* how long freed memory is kept; 1000 */
    size_t thread_cache_bytes; /* free blocks that one thread may keep; 1 MiB */
    size_t all_caches_bytes;   /* free blocks that all threads may keep together; 256 MiB */
    size_t depot_bytes;        /* free blocks between threads; 64 MiB */
    size_t arenas;             /* number of arenas, at most 64; one per processor, at most 8 */
    size_t quarantine_bytes;   /* released blocks that checked mode keeps from being reused; 16 MiB */
    const millpond_pool *parent; /* a pool whose limit counts as well; none */
    uint32_t flags;            /* any of the following; none */
} millpond_options;

#define MILLPOND_HUGE_PAGES 1u /* ask for transparent huge pages */
#define MILLPOND_CHECKED 4u    /* canary, poison and quarantine; everything becomes slow */

/* Numbers of one size class. */
typedef struct millpond_class_stats {
    uint64_t size;        /* bytes of a block */
    uint64_t allocations; /* blocks ever taken */
    uint64_t frees;       /* blocks ever given back */
    uint64_t live;        /* blocks that are out */
    uint64_t cached;      /* free blocks in thread caches */
    uint64_t slabs;       /* slabs */
    uint64_t slab_waste;  /* bytes of slabs that are in no block that is out */
} millpond_class_stats;

/* Numbers of one arena. */
typedef struct millpond_arena_stats {
    uint64_t threads; /* threads that allocate from it */
    uint64_t chunks;  /* chunks */
    uint64_t used;    /* bytes of pages in runs and slabs */
    uint64_t dirty;   /* bytes of free pages that still have memory */
} millpond_arena_stats;

/* A snapshot. Bytes are bytes of whole blocks or pages; counts are since the pool was made. Each figure is true, but
 * they are of slightly different moments; they add up exactly when the pool is quiet. */
typedef struct millpond_stats_t {
    uint32_t version; /* MILLPOND_STATS_VERSION */
    uint32_t size;    /* bytes of this struct, as the library knows it */
    uint64_t used;            /* blocks that are out, huge ones included */
    uint64_t cached_threads;  /* free blocks in thread caches */
    uint64_t cached_depot;    /* free blocks between threads */
    uint64_t cached_huge;     /* freed huge mappings that still have memory */
    uint64_t dirty;           /* free pages that still have memory */
    uint64_t committed;       /* what counts against the limit, child pools included */
    uint64_t peak_committed;
    uint64_t limit;
    uint64_t reserved;        /* address space for blocks */
    uint64_t metadata;        /* address space for bookkeeping */
    uint64_t live_blocks;
    uint64_t allocations;
    uint64_t frees;
    uint64_t huge_live;
    uint64_t huge_live_bytes;
    uint64_t thread_caches;
    uint64_t arenas;
    uint64_t chunks;
    uint64_t chunk_lists[MILLPOND_CHUNK_LISTS]; /* q_init, q000, q025, q050, q075, q100 */
    uint64_t purges;
    uint64_t purged_bytes;
    uint64_t failures;        /* allocations that failed */
    uint64_t bad_frees;       /* addresses given back that were no live blocks */
    uint64_t waits;           /* allocations that waited for room */
    uint64_t violations;      /* writes behind a block's end or after its release, found in checked mode */
    uint64_t quarantined;     /* released blocks that checked mode keeps from being reused */
    uint64_t purge_failures;  /* times that the operating system did not take memory back */
    millpond_arena_stats by_arena[MILLPOND_ARENAS_MAX]; /* zero for those that the pool has not */
    millpond_class_stats classes[MILLPOND_SIZE_CLASSES];
} millpond_stats_t;

/* The version, as a static string. */
const char *millpond_version(void);

/* Makes a pool; options may be NULL. */
int millpond_create(const millpond_options *options, millpond_pool **pool);

/* Unmaps everything, blocks that are still out included, and frees the pool; NULL is fine. */
void millpond_destroy(millpond_pool *pool);

/* A block of at least size bytes, aligned to 64, its contents whatever was there before. */
int millpond_allocate(const millpond_pool *pool, size_t size, void **block);

/* As millpond_allocate; where the limit is reached, waits for room until the timeout is over. Those who wait for the same
 * limit are served first come first; others may pass the one who has waited longest 64 times, then they are refused. */
int millpond_allocate_within(const millpond_pool *pool, size_t size, uint64_t timeout_nanos, void **block);

/* Takes a block back; NULL is fine. Any address that is not the start of a live block is refused at once. Not noticed is a
 * second release if the first one was by millpond_free_sized and the block still lies in a thread's cache, or if the block
 * was handed out again: then it is its new owner's that is freed. */
int millpond_free(const millpond_pool *pool, void *block);

/* As millpond_free, and faster, for who still knows the size that was asked for. An address that is not the start of a block
 * for this size is refused at once. A second release is noticed when the block leaves the thread's cache (it is counted in
 * bad_frees then); if it is handed out before, it is handed out twice. In checked mode a second release, and any other
 * size than the one that was asked for, are refused at once. */
int millpond_free_sized(const millpond_pool *pool, void *block, size_t size);

/* Bytes that a block for size bytes would have; 0 where such a block has a mapping of its own (above 2 MiB). */
size_t millpond_class_size(size_t size);

/* Bytes that may be used of a live block, in checked mode those that were asked for; 0 if it is none. */
size_t millpond_usable_size(const millpond_pool *pool, const void *block);

/* Does what time asks for. now_nanos: monotonic time since any fixed origin. */
int millpond_tick(const millpond_pool *pool, uint64_t now_nanos);

/* Gives all free memory back now; the bytes go to *bytes unless it is NULL. */
int millpond_trim(const millpond_pool *pool, size_t *bytes);

/* Sets another hard limit on committed bytes; MILLPOND_EINVAL if blocks in use need more, and the limit stays. */
int millpond_set_max_bytes(const millpond_pool *pool, size_t bytes);

/* Calls report with each thing that the application did wrong since the last call (bad frees; in checked mode also writes
 * behind a block's end or after its release) and the first time that the operating system did not take memory back, in
 * words, the latest 64 at most. */
int millpond_reports(const millpond_pool *pool, void (*report)(void *context, const char *words), void *context);

/* Refuses new blocks and gives all free memory back; live blocks stay valid. *used: bytes still out; may be NULL. */
int millpond_close(const millpond_pool *pool, size_t *used);

/* Writes a snapshot, as much of it as fits size bytes: pass sizeof(millpond_stats_t). */
int millpond_stats(const millpond_pool *pool, void *stats, size_t size);

#ifdef __cplusplus
}
#endif

#endif
