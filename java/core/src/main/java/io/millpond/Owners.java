package io.millpond;

/**
 * Magazines by their owners: what the fast path looks into, instead of a thread-local. That would take longer, and some
 * executors erase those of their threads.
 *
 * <p>A hash table with open addressing and linear probing, at most half full. When something leaves it, what follows moves up
 * (Knuth, The Art of Computer Programming, volume 3, section 6.4, algorithm R).
 *
 * <p>Threading: {@link #find} is for any thread about itself, without a lock. It may miss what is being moved; who misses
 * his own asks again with the lock. Everything else wants the lock of {@link Magazines}.
 */
final class Owners {
    private static final int SMALLEST = 16;
    /** 2^64 divided by the golden ratio: spreads numbers that follow each other, or lie a power of two apart. */
    private static final long SPREAD = 0x9E37_79B9_7F4A_7C15L;

    /** Its length is a power of two. */
    private volatile Magazine[] places = new Magazine[SMALLEST];
    private int count;

    /** The magazine of the thread that calls; null if it has none, or it is being moved. */
    Magazine find(Thread thread) {
        Magazine[] all = places;
        int place = home(thread.getId(), all);
        Magazine magazine = all[place];
        while (magazine != null && magazine.owner != thread) {
            place = after(place, all);
            magazine = all[place];
        }
        return magazine;
    }

    /** Makes room for one more. After it {@link #add} needs no Java heap. */
    void reserve() {
        Magazine[] all = places;
        if (2 * (count + 1) > all.length) {
            Magazine[] larger = new Magazine[2 * all.length];
            for (Magazine each : all) {
                if (each != null) {
                    larger[free(each, larger)] = each;
                }
            }
            places = larger;
        }
    }

    void add(Magazine magazine) {
        Magazine[] all = places;
        all[free(magazine, all)] = magazine;
        count++;
    }

    void remove(Magazine magazine) {
        Magazine[] all = places;
        int gap = home(magazine.ownerId, all);
        while (all[gap] != magazine) {
            gap = after(gap, all);
        }
        for (int next = after(gap, all); all[next] != null; next = after(next, all)) {
            // How far it is from home, going round: if not from behind the gap on, it may move there.
            int distance = next - home(all[next].ownerId, all) & all.length - 1;
            if (distance >= (next - gap & all.length - 1)) {
                all[gap] = all[next];
                gap = next;
            }
        }
        all[gap] = null;
        count--;
    }

    private static int free(Magazine magazine, Magazine[] all) {
        int place = home(magazine.ownerId, all);
        while (all[place] != null) {
            place = after(place, all);
        }
        return place;
    }

    private static int after(int place, Magazine[] all) {
        return place + 1 & all.length - 1;
    }

    private static int home(long id, Magazine[] all) {
        return (int) (id * SPREAD >>> Integer.SIZE) & all.length - 1;
    }
}
