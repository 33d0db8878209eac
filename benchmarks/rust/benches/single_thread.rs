//! The workloads of one thread under criterion: for following Millpond from one change to the next. With the feature
//! `peers`, the other allocators run beside it.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use millpond_benchmarks::candidates::Contender;
use millpond_benchmarks::workloads;

fn single_thread(criterion: &mut Criterion) {
    let candidates = Contender::all();
    for workload in workloads::all().iter().filter(|workload| !workload.has_threads()) {
        let mut group = criterion.benchmark_group(workload.group());
        group.throughput(Throughput::Elements(1));
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
        for candidate in &candidates {
            group.bench_function(BenchmarkId::new(candidate.name, workload.line()), |bencher| {
                bencher.iter_custom(|blocks| {
                    let sample = candidate.run(workload.of(blocks));
                    // A workload may round up, to whole bursts for example.
                    sample.time.mul_f64(blocks as f64 / sample.blocks as f64)
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, single_thread);
criterion_main!(benches);
