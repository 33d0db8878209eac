//! What the public face promises.

use std::time::Duration;

use millpond::os::FakeOs;
use millpond::{Error, GRANULE, LARGEST, Options, PAGE, Pool};

fn pool(options: Options) -> Pool {
    Pool::new_on(options, FakeOs::leaked()).expect("a pool")
}

#[test]
fn blocks_have_the_size_asked_for_and_do_not_overlap() {
    let pool = pool(Options::new());
    let sizes = [0, 1, 63, 64, 65, 1000, 4096, 10_000, 65_536, 100_000, 1 << 20, LARGEST, LARGEST + 1, 9 << 20];
    let mut blocks: Vec<_> = sizes.iter().map(|&size| pool.allocate(size).expect("a block")).collect();
    for (index, block) in blocks.iter_mut().enumerate() {
        assert_eq!((block.len(), block.as_ptr() as usize % GRANULE), (sizes[index], 0));
        block.fill(index as u8);
    }
    for (index, block) in blocks.iter().enumerate() {
        assert!(block.iter().all(|&byte| byte == index as u8));
    }
    pool.check_invariants().expect("sound");
    drop(blocks);
    assert_eq!(pool.stats().used, 0);
    pool.trim();
    assert_eq!((pool.stats().committed, pool.stats().dirty), (0, 0));
}

#[test]
fn that_the_system_refuses_does_not_look_like_the_limit() {
    let os = FakeOs::leaked();
    let pool = Pool::new_on(Options::new().max_bytes(64 << 20).arenas(2), os).expect("a pool");
    os.fail(1, usize::MAX);
    for size in [100, 100_000, 5 << 20] {
        let refused = pool.allocate(size).expect_err("no memory");
        assert!(matches!(refused, Error::OutOfMemory { errno: 12, .. }), "{refused}");
        let words = refused.to_string();
        assert!(
            ["ulimit -v", "vm.max_map_count", "container"].iter().all(|where_to| words.contains(where_to)),
            "{words}"
        );
    }
    assert_eq!(pool.stats().committed, 0);
    os.heal();
    drop(pool.allocate(100).expect("memory"));
}

#[test]
fn a_system_whose_pages_are_too_large_is_refused() {
    let os = FakeOs::leaked();
    os.set_page_size(128 << 10);
    let refused = Pool::new_on(Options::new(), os).expect_err("no pool");
    assert!(matches!(&refused, Error::Unsupported { reason } if reason.contains("131072")), "{refused}");
}

#[test]
fn options_out_of_range_are_named() {
    let cases = [
        (Options::new().name(""), "name"),
        (Options::new().max_bytes(PAGE - 1), "max_bytes"),
        (Options::new().decay(Duration::from_secs(3601)), "decay"),
        (Options::new().thread_cache_bytes(65 << 20), "thread_cache_bytes"),
        (Options::new().arenas(65), "arenas"),
    ];
    for (options, name) in cases {
        let error = Pool::new(options).expect_err(name);
        assert!(matches!(error, Error::InvalidOption { option, .. } if option == name), "{error}");
    }
}
