package io.millpond;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Something to do when an object cannot be reached any more. A {@code Cleaner} would hold what it has to do for as long as
 * that takes, and with it the class loader of this library, to which the object may belong: a pool in a static field would
 * keep its class loader for ever. These are held by this class alone, and go with it.
 *
 * <p>Threading: made on any thread; {@code happen} is called once, by the housekeeper.
 */
abstract class Ending extends PhantomReference<Object> {
    private static final ReferenceQueue<Object> QUEUE = new ReferenceQueue<>();
    private static final Set<Ending> AWAITED = ConcurrentHashMap.newKeySet();

    Ending(Object object) {
        super(object, QUEUE);
        AWAITED.add(this);
    }

    /** Refers to the object neither directly nor by anything else. */
    abstract void happen();

    /** Does what is to be done by now. Returns whether there was anything. */
    static boolean meet() {
        boolean any = false;
        for (Object next = QUEUE.poll(); next != null; next = QUEUE.poll()) {
            Ending ending = (Ending) next;
            AWAITED.remove(ending);
            ending.happen();
            any = true;
        }
        return any;
    }
}
