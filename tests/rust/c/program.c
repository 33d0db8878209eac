/* Uses a pool as a C program would. Returns 0, or the line of the first check that failed. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "millpond.h"

#define CHECK(condition) do { if (!(condition)) return __LINE__; } while (0)

int millpond_c_program(size_t *layout, const char *version);

static void count_words(void *context, const char *words)
{
    *(int *)context += strlen(words) > 20;
}

static void ignore_words(void *context, const char *words)
{
    (void)context;
    (void)words;
}

/* What is no live block is refused, and not handed out by anybody afterwards. */
static int free_wrongly(const millpond_pool *pool)
{
    void *blocks[40], *again[2];
    char local[256];
    size_t i;

    for (i = 0; i < 40; i++)
        CHECK(millpond_allocate(pool, 100, &blocks[i]) == MILLPOND_OK);
    for (i = 0; i < 40; i++)
        CHECK(millpond_free(pool, blocks[i]) == MILLPOND_OK);
    for (i = 0; i < 40; i++)
        CHECK(millpond_free(pool, blocks[i]) == MILLPOND_EBADFREE);
    CHECK(millpond_usable_size(pool, blocks[0]) == 0);
    CHECK(millpond_allocate(pool, 100, &again[0]) == MILLPOND_OK);
    CHECK(millpond_allocate(pool, 100, &again[1]) == MILLPOND_OK);
    CHECK(again[0] != again[1]);
    CHECK(millpond_free_sized(pool, again[0], 5000) == MILLPOND_EBADFREE);
    CHECK(millpond_free_sized(pool, (char *)again[0] + 64, 100) == MILLPOND_EBADFREE);
    CHECK(millpond_free_sized(pool, local, sizeof local) == MILLPOND_EBADFREE);
    CHECK(millpond_free_sized(pool, again[0], 100) == MILLPOND_OK);
    CHECK(millpond_free(pool, again[1]) == MILLPOND_OK);
    CHECK(millpond_reports(pool, ignore_words, NULL) == MILLPOND_OK);
    return 0;
}

/* A forked child has its copy of the block, and no pool to take others from. */
static int fork_child(const millpond_pool *pool)
{
    void *block, *other;
    millpond_stats_t stats;
    millpond_pool *own;
    int status;
    pid_t child;

    CHECK(millpond_allocate(pool, 100, &block) == MILLPOND_OK);
    memset(block, 1, 100);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        memset(block, 2, 100);
        if (millpond_allocate(pool, 100, &other) != MILLPOND_EFORKED
            || millpond_free(pool, block) != MILLPOND_OK || millpond_free(pool, block) != MILLPOND_OK
            || millpond_trim(pool, NULL) != MILLPOND_OK || millpond_close(pool, NULL) != MILLPOND_OK
            || millpond_stats(pool, &stats, sizeof stats) != MILLPOND_OK || stats.committed != 0
            || millpond_create(NULL, &own) != MILLPOND_OK || millpond_allocate(own, 100, &other) != MILLPOND_OK)
            _exit(1);
        millpond_destroy(own);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(((char *)block)[99] == 1);
    CHECK(millpond_free(pool, block) == MILLPOND_OK);
    return 0;
}

/* A checked pool below another one finds who writes behind the end. */
static int use_checked_pool(const millpond_pool *parent)
{
    millpond_options options = { .name = "checked", .parent = parent, .flags = MILLPOND_CHECKED };
    millpond_pool *pool;
    millpond_stats_t stats;
    void *block;
    int words = 0;

    CHECK(millpond_create(&options, &pool) == MILLPOND_OK);
    CHECK(millpond_allocate(pool, 100, &block) == MILLPOND_OK);
    CHECK(millpond_usable_size(pool, block) == 100);
    CHECK(millpond_free_sized(pool, block, 101) == MILLPOND_EBADFREE);
    CHECK(millpond_reports(pool, ignore_words, NULL) == MILLPOND_OK);
    ((char *)block)[100] = 1;
    CHECK(millpond_free(pool, block) == MILLPOND_OK);
    millpond_reports(pool, count_words, &words);
    CHECK(words == 1);
    CHECK(millpond_stats(parent, &stats, sizeof stats) == MILLPOND_OK && stats.committed > 0);
    CHECK(millpond_stats(pool, &stats, sizeof stats) == MILLPOND_OK && stats.violations == 1);
    millpond_destroy(pool);
    for (options.flags = 2; options.flags <= 8; options.flags += 6)
        CHECK(millpond_create(&options, &pool) == MILLPOND_EINVAL);
    return 0;
}

static int use_pool(millpond_pool *pool)
{
    void *small, *large, *huge, *other;
    int words = 0;
    millpond_stats_t stats;
    size_t bytes;

    CHECK(millpond_allocate(pool, 100, &small) == MILLPOND_OK);
    CHECK(millpond_allocate(pool, 300000, &large) == MILLPOND_OK);
    CHECK(millpond_allocate(pool, 5 << 20, &huge) == MILLPOND_OK);
    CHECK(millpond_usable_size(pool, small) == 128);
    memset(small, 1, 100);
    memset(large, 2, 300000);
    memset(huge, 3, 5 << 20);
    CHECK(((unsigned char *)small)[99] == 1);

    CHECK(millpond_allocate(pool, 100 << 20, &huge) == MILLPOND_ELIMIT);
    CHECK(millpond_free(pool, (char *)large + 64) == MILLPOND_EBADFREE);
    CHECK(millpond_free(pool, &stats) == MILLPOND_EBADFREE);

    CHECK(millpond_stats(pool, &stats, sizeof stats) == MILLPOND_OK);
    CHECK(stats.version == MILLPOND_STATS_VERSION && stats.size == sizeof stats);
    CHECK(stats.live_blocks == 3 && stats.bad_frees == 2 && stats.limit == 32 << 20);

    millpond_reports(pool, count_words, &words);
    CHECK(words == 2);
    CHECK(millpond_reports(pool, NULL, NULL) == MILLPOND_EINVAL);
    CHECK(millpond_set_max_bytes(pool, 1 << 20) == MILLPOND_EINVAL);
    CHECK(millpond_set_max_bytes(pool, 24 << 20) == MILLPOND_OK);
    CHECK(millpond_allocate_within(pool, 20 << 20, 1000, &other) == MILLPOND_ELIMIT);
    CHECK(millpond_allocate_within(pool, 1000, 1000, &other) == MILLPOND_OK);
    CHECK(millpond_free_sized(pool, other, 1000) == MILLPOND_OK);
    CHECK(millpond_class_size(1000) == 1024 && millpond_class_size(5 << 20) == 0);

    CHECK(millpond_free(pool, small) == MILLPOND_OK);
    CHECK(millpond_free(pool, large) == MILLPOND_OK);
    CHECK(millpond_free(pool, NULL) == MILLPOND_OK);
    CHECK(millpond_trim(pool, &bytes) == MILLPOND_OK && bytes > 300000);
    CHECK(millpond_free(pool, large) == MILLPOND_EBADFREE);
    CHECK(millpond_tick(pool, 1000000) == MILLPOND_OK);

    CHECK(millpond_close(pool, &bytes) == MILLPOND_OK && bytes == 5 << 20);
    CHECK(millpond_allocate(pool, 1, &small) == MILLPOND_ECLOSED);
    CHECK(millpond_free(pool, huge) == MILLPOND_OK);
    CHECK(millpond_stats(pool, &stats, sizeof stats) == MILLPOND_OK);
    CHECK(stats.used == 0 && stats.committed == 0);
    return 0;
}

int millpond_c_program(size_t *layout, const char *version)
{
    millpond_options options = { .name = "from-c", .max_bytes = 32 << 20 };
    millpond_pool *pool;
    int line;

    layout[0] = sizeof(millpond_stats_t);
    layout[1] = offsetof(millpond_stats_t, committed);
    layout[2] = offsetof(millpond_stats_t, bad_frees);
    layout[3] = offsetof(millpond_stats_t, classes);
    layout[4] = sizeof(millpond_class_stats);

    CHECK(strcmp(millpond_version(), version) == 0);
    CHECK(millpond_create(NULL, NULL) == MILLPOND_EINVAL);
    CHECK(millpond_trim(NULL, NULL) == MILLPOND_EINVAL);
    millpond_destroy(NULL);
    CHECK(millpond_create(&options, &pool) == MILLPOND_OK);
    line = free_wrongly(pool);
    if (line == 0)
        line = fork_child(pool);
    millpond_destroy(pool);
    if (line != 0)
        return line;
    CHECK(millpond_create(&options, &pool) == MILLPOND_OK);
    line = use_checked_pool(pool);
    if (line == 0)
        line = use_pool(pool);
    millpond_destroy(pool);
    return line;
}
