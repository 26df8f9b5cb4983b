/* SPDX-License-Identifier: MIT */
/*
 * weir/simulate.h - tests of one's own actors that never flake.
 *
 *     for (uint64_t seed = 1; seed <= 1000; seed++)
 *         if (weir_run(test, NULL, &(weir_options){.simulate = true, .seed = seed}) < 0)
 *             return printf("fails with WEIR_SEED=%" PRIu64 "\n", weir_simulated_seed());
 *
 * A simulated run is an ordinary one, but
 *   - it has one worker, the calling thread. Which of the runnable actors goes on, after how
 *     many operations it has to let others go first, and where a fair select begins to look,
 *     is drawn from the seed. Another seed is another order; one that breaks the program
 *     breaks it again;
 *   - for its actors time is virtual: weir_now() begins at WEIR_SIMULATED_START, stands still
 *     while anybody is runnable, and goes to the next deadline or end of a sleep when nobody
 *     is. Hours of sleep take no time, and each ends exactly at its time. A loop that waits
 *     for the clock without sleeping does not end;
 *   - when all are parked, none with a deadline, and no other thread can change that, each
 *     is reported as in weir/debug.h, whatever it waits for ends with WEIR_EDEADLK, and so
 *     does weir_run(). (A group's end only waits for its children's.) No other thread can: when
 *     the process has none, or if weir_deadlocked() says so of all of them.
 *
 * The same seed gives the same run if what the actors do depends on nothing else: not on
 * addresses, handles, numbers of actors, rand(), the real time, or other threads. These may
 * send, receive, spawn and cancel as ever, by the real clock, but a run in which they do
 * cannot be repeated, and its time does not wait for them; only when nothing is left that
 * time would end, the run sleeps until one of them does something. Points of one clock say
 * nothing on the other.
 */
#ifndef WEIR_SIMULATE_H
#define WEIR_SIMULATE_H

#include <weir/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_SIMULATED_START (1000 * WEIR_S)

/*
 * weir_simulated_seed  - the seed of the simulated run that is under way or was the last one:
 *                        WEIR_SEED in the environment, or else that of its options.
 * weir_simulated_trace - a number that stands for all that it has done so far: who ran, in
 *                        which order, why and when, and how much each did. When two runs by
 *                        one seed have different traces, something else than the seed has
 *                        had a say.
 *
 * Never suspend; any thread. 0 before the first simulated run. A trace may be another one
 * with another version of weir.
 */
WEIR_API uint64_t weir_simulated_seed(void);
WEIR_API uint64_t weir_simulated_trace(void);

/*
 * weir_settle - wait until all other actors of the run are parked, in any run. Row F140.
 *
 * At one moment between the call and the return no other actor was running, or runnable, or
 * woken and not yet gone on. Who sleeps or waits with a deadline is parked, and so is who
 * waits in weir_settle(): all of these return at the same moment. In a simulated run time
 * does not go on before. Only the moment is promised: a timer or a plain thread may wake
 * somebody right after it, and what a plain thread is about to do nobody can know.
 *
 *     weir_send(server, &request);
 *     weir_settle();                 the request has been dealt with, as far as it can be
 *
 * Suspends. An actor that blocks its worker, in a system call or by computing, is not parked.
 * 0, WEIR_ECANCELED, WEIR_EPERM outside of actors and in drop functions.
 */
WEIR_API int weir_settle(void);

#ifdef __cplusplus
}
#endif
#endif
