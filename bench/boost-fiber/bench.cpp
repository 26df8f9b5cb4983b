// SPDX-License-Identifier: MIT
//
// boost-fiber SCENARIO key=value... - the scenarios over Boost.Fiber's channels, a
// twentieth of each first to warm up. workers=1 schedules round robin on one thread,
// workers=2 shares the fibers between two. A buffered channel needs a power of two and
// holds one item less: capacity=N takes the next that holds N.
#include "../common/bench.h"

#include <atomic>
#include <boost/fiber/all.hpp>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace fibers = boost::fibers;
using std::uint64_t;

using buffered = fibers::buffered_channel<uint64_t>;
using rendezvous = fibers::unbuffered_channel<uint64_t>;

namespace
{

bench_args args;

long arg(const char *key, long otherwise)
{
    return bench_arg(&args, key, otherwise);
}

template <class Body> fibers::fiber start(Body &&body)
{
    boost::context::fixedsize_stack stack(static_cast<std::size_t>(arg("stack", 16384)));
    return fibers::fiber(fibers::launch::post, std::allocator_arg, stack, std::forward<Body>(body));
}

template <class Channel> std::shared_ptr<Channel> make(long capacity);

template <> std::shared_ptr<buffered> make(long capacity)
{
    std::size_t cells = 2;
    while (cells < static_cast<std::size_t>(capacity) + 1)
        cells *= 2;
    return std::make_shared<buffered>(cells);
}

template <> std::shared_ptr<rendezvous> make(long)
{
    return std::make_shared<rendezvous>();
}

template <class Channel> bool receive(Channel &channel, uint64_t &item)
{
    return channel.pop(item) == fibers::channel_op_status::success;
}

// A number there and its successor back; one operation is a round trip.
template <class Channel> double pingpong(uint64_t n)
{
    auto there = make<Channel>(arg("capacity", 1)), back = make<Channel>(arg("capacity", 1));
    auto other = start([=] {
        uint64_t v;
        while (receive(*there, v))
            back->push(v + 1);
    });
    uint64_t begun = bench_now();
    for (uint64_t i = 0; i < n; i++) {
        uint64_t v;
        there->push(i);
        if (!receive(*back, v) || v != i + 1)
            bench_fail("pingpong: a wrong answer");
    }
    double result = bench_per(begun, n);
    there->close();
    other.join();
    return result;
}

// Producers to consumers through one channel; one operation is an item.
template <class Channel> double transfer(uint64_t n)
{
    auto producers = static_cast<uint64_t>(arg("producers", 1));
    auto consumers = static_cast<uint64_t>(arg("consumers", 1));
    uint64_t each = n / producers;
    auto items = make<Channel>(arg("capacity", 128));
    std::vector<fibers::fiber> sending, receiving;
    std::atomic<uint64_t> total{0};

    uint64_t begun = bench_now();
    for (uint64_t i = 0; i < consumers; i++)
        receiving.push_back(start([&] {
            uint64_t v, sum = 0;
            while (receive(*items, v))
                sum += v;
            total += sum;
        }));
    for (uint64_t i = 0; i < producers; i++)
        sending.push_back(start([&] {
            for (uint64_t v = 1; v <= each; v++)
                items->push(v);
        }));
    for (auto &fiber : sending)
        fiber.join();
    items->close();
    for (auto &fiber : receiving)
        fiber.join();
    if (total != producers * (each * (each + 1) / 2))
        bench_fail("transfer: items were lost");
    return bench_per(begun, producers * each);
}

// A token that counts down goes round a ring of fibers; one operation is a hop.
double ring(uint64_t n)
{
    auto size = static_cast<std::size_t>(arg("actors", 1000));
    std::size_t *next = bench_ring(size, arg("shuffle", 0));
    std::vector<std::shared_ptr<buffered>> channels;
    std::vector<fibers::fiber> nodes;
    auto done = make<buffered>(1);
    for (std::size_t i = 0; i < size; i++)
        channels.push_back(make<buffered>(1));
    for (std::size_t i = 0; i < size; i++)
        nodes.push_back(start([in = channels[i], out = channels[next[i]], done] {
            uint64_t token;
            while (receive(*in, token)) {
                if (token == 0) {
                    done->push(0);
                    return;
                }
                out->push(token - 1);
            }
        }));
    boost::this_fiber::yield(); // every fiber runs up to its first receive

    uint64_t begun = bench_now(), token;
    channels[0]->push(n);
    if (!receive(*done, token))
        bench_fail("ring: the token was lost");
    double result = bench_per(begun, n);
    for (auto &channel : channels)
        channel->close();
    for (auto &fiber : nodes)
        fiber.join();
    free(next);
    return result;
}

// Numbers through stages that each add one; one operation is an item at a stage.
double pipeline(uint64_t n)
{
    auto stages = static_cast<uint64_t>(arg("stages", 100));
    auto first = make<buffered>(arg("capacity", 64)), in = first;
    std::vector<fibers::fiber> all;
    for (uint64_t i = 0; i < stages; i++) {
        auto out = make<buffered>(arg("capacity", 64));
        all.push_back(start([in, out] {
            uint64_t v;
            while (receive(*in, v))
                out->push(v + 1);
            out->close();
        }));
        in = out;
    }
    uint64_t begun = bench_now(), v, arrived = 0;
    all.push_back(start([=] {
        for (uint64_t i = 0; i < n; i++)
            first->push(i);
        first->close();
    }));
    while (receive(*in, v))
        if (v != stages + arrived++)
            bench_fail("pipeline: a wrong number");
    double result = bench_per(begun, n * stages);
    if (arrived != n)
        bench_fail("pipeline: items were lost");
    for (auto &fiber : all)
        fiber.join();
    return result;
}

// Waves of fibers that do nothing, all of a wave alive at once.
double spawn(uint64_t n)
{
    auto wave = static_cast<uint64_t>(arg("wave", 10000));
    uint64_t waves = (n + wave - 1) / wave;
    std::vector<fibers::fiber> alive;
    alive.reserve(wave);
    uint64_t begun = bench_now();
    for (uint64_t w = 0; w < waves; w++) {
        for (uint64_t i = 0; i < wave; i++)
            alive.push_back(start([] {}));
        for (auto &fiber : alive)
            fiber.join();
        alive.clear();
    }
    return bench_per(begun, waves * wave);
}

// n fibers parked at once on a gate; the bytes are per fiber.
double park(uint64_t n)
{
    fibers::mutex lock;
    fibers::condition_variable opens;
    bool open = false;
    std::atomic<uint64_t> missing{n};
    std::vector<fibers::fiber> all;
    all.reserve(n);

    double before = bench_memory();
    uint64_t begun = bench_now();
    for (uint64_t i = 0; i < n; i++)
        all.push_back(start([&] {
            std::unique_lock<fibers::mutex> held(lock);
            missing--;
            opens.wait(held, [&] { return open; });
        }));
    while (missing > 0)
        boost::this_fiber::yield();
    double bytes = (bench_memory() - before) / static_cast<double>(n);
    {
        std::unique_lock<fibers::mutex> held(lock);
        open = true;
    }
    opens.notify_all();
    for (auto &fiber : all)
        fiber.join();
    double result = bench_per(begun, n);
    if (n > 1)
        bench_bytes(bytes);
    return result;
}

void node(std::shared_ptr<buffered> parent, uint64_t first, uint64_t size)
{
    if (size == 1) {
        parent->push(first);
        return;
    }
    auto children = make<buffered>(arg("capacity", 10));
    for (uint64_t i = 0; i < 10; i++)
        start([=] { node(children, first + i * (size / 10), size / 10); }).detach();
    uint64_t sum = 0, part;
    for (uint64_t i = 0; i < 10 && receive(*children, part); i++)
        sum += part;
    parent->push(sum);
}

// A tree of fibers with n leaves sums up its leaves; the whole in milliseconds.
double skynet(uint64_t n)
{
    auto root = make<buffered>(1);
    uint64_t begun = bench_now(), sum;
    start([=] { node(root, 0, n); }).detach();
    if (!receive(*root, sum) || sum != n * (n - 1) / 2)
        bench_fail("skynet: a wrong sum");
    return bench_per(begun, 1000000);
}

// Two fibers give way to each other; one operation is one switch.
double yield(uint64_t n)
{
    auto give_way = [=] {
        for (uint64_t i = 0; i < n / 2; i++)
            boost::this_fiber::yield();
    };
    uint64_t begun = bench_now();
    auto one = start(give_way), other = start(give_way);
    one.join();
    other.join();
    return bench_per(begun, n);
}

// A pipeline in which every stage, the first and the last included, works on each item;
// one operation is an item that has gone through all stages.
double work(uint64_t n)
{
    uint64_t turns = bench_turns(arg("work", 1000));
    auto first = make<buffered>(arg("capacity", 128)), in = first;
    std::vector<fibers::fiber> all;
    for (long i = arg("stages", 2); i > 2; i--) {
        auto out = make<buffered>(arg("capacity", 128));
        all.push_back(start([=] {
            uint64_t v;
            while (receive(*in, v))
                out->push(bench_worked(v, turns));
            out->close();
        }));
        in = out;
    }
    uint64_t begun = bench_now(), v, arrived = 0;
    all.push_back(start([=] {
        for (uint64_t i = 0; i < n; i++)
            first->push(bench_worked(i, turns));
        first->close();
    }));
    while (receive(*in, v))
        if (bench_worked(v, turns) != arrived++)
            bench_fail("work: a wrong number");
    double result = bench_per(begun, n);
    if (arrived != n)
        bench_fail("work: items were lost");
    for (auto &fiber : all)
        fiber.join();
    return result;
}

// A plain thread sends the time of day every pause=us; the fiber that it wakes looks at
// the clock. The median.
double wake(uint64_t n)
{
    auto calls = make<buffered>(128);
    std::vector<uint64_t> latency;
    std::thread caller([=] {
        for (uint64_t i = 0; i < n; i++) {
            bench_pause(static_cast<uint64_t>(arg("pause", 300)) * 1000);
            calls->push(bench_now());
        }
    });
    for (uint64_t sent; latency.size() < n && receive(*calls, sent);)
        latency.push_back(bench_now() - sent);
    caller.join();
    return bench_latencies(latency.data(), n);
}

struct scenario {
    const char *name;
    double (*run)(uint64_t n);
    double (*run_rendezvous)(uint64_t n); // when capacity=0
    long n, warm_up;                      // warm_up 0: a twentieth of n
};

const scenario scenarios[] = {
    {"pingpong", pingpong<buffered>, pingpong<rendezvous>, 1000000, 0},
    {"transfer", transfer<buffered>, transfer<rendezvous>, 5000000, 0},
    {"ring", ring, ring, 2000000, 0},
    {"pipeline", pipeline, pipeline, 100000, 0},
    {"spawn", spawn, spawn, 200000, 0},
    {"park", park, park, 1000000, 1},
    {"skynet", skynet, skynet, 1000000, 1000},
    {"yield", yield, yield, 5000000, 0},
    {"work", work, work, 100000, 0},
    {"wake", wake, wake, 2000, 0},
};

void measure(const scenario &s)
{
    auto run = arg("capacity", 1) == 0 ? s.run_rendezvous : s.run;
    long n = arg("n", s.n);
    run(static_cast<uint64_t>(s.warm_up ? s.warm_up : n / 20 + 1));
    bench_result(run(static_cast<uint64_t>(n)));
}

// The second thread of workers=2 takes fibers from the shared queue until the process ends.
void share_with_another_thread()
{
    std::atomic<bool> ready{false};
    std::thread([&] {
        fibers::use_scheduling_algorithm<fibers::algo::shared_work>(true);
        ready = true;
        fibers::mutex lock;
        fibers::condition_variable never;
        std::unique_lock<fibers::mutex> held(lock);
        never.wait(held, [] { return false; });
    }).detach();
    while (!ready)
        std::this_thread::yield();
    fibers::use_scheduling_algorithm<fibers::algo::shared_work>(true);
}

} // namespace

int main(int argc, char **argv)
{
    args = {argc, argv};
    const char *name = bench_scenario(&args);
    for (const scenario &s : scenarios)
        if (!strcmp(name, s.name)) {
            if (arg("workers", 1) > 1)
                share_with_another_thread();
            start([&] { measure(s); }).join();
            fflush(stdout);
            _exit(0); // the other thread never ends
        }
    bench_fail("scenarios: pingpong transfer ring pipeline spawn park skynet yield work wake");
}
