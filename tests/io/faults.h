/* SPDX-License-Identifier: MIT */
/*
 * faults.h - the kernel's network, which fails when it is told to.
 *
 * A mode is for all calls from now on, of every socket that is made from now on:
 *
 *   FAULTS_ONE_BYTE  each transfer moves one byte at most
 *   FAULTS_EINTR     two of three calls that may be interrupted are, before they did anything; and
 *                    those that the kernel finishes all the same (connect(2) of TCP, close(2))
 *   FAULTS_EAGAIN    one of two calls that might have to wait has to, although there is something;
 *                    its event comes right away, as of a descriptor that has just become ready
 *   FAULTS_SIGNALS   a signal for each thread some 5,000 times a second, without SA_RESTART
 *   FAULTS_ALL       the first three by turns
 *
 * Beside it calls of one kind can be made to fail, counted from now. The suite's programs begin in
 * the mode that WEIR_NET_FAULTS names: one-byte, eintr, eagain, signals, all.
 */
#ifndef WEIR_TESTS_FAULTS_H
#define WEIR_TESTS_FAULTS_H

#include <stdbool.h>

#include "os_net.h"

enum fault_mode {
    FAULTS_NONE = 0,
    FAULTS_ONE_BYTE = 1,
    FAULTS_EINTR = 2,
    FAULTS_EAGAIN = 4,
    FAULTS_ALL = FAULTS_ONE_BYTE | FAULTS_EINTR | FAULTS_EAGAIN,
    FAULTS_SIGNALS = 8
};

enum fault_call {
    CALL_SOCKET,
    CALL_BIND,
    CALL_LISTEN,
    CALL_ACCEPT,
    CALL_CONNECT,
    CALL_RECV,
    CALL_SEND,
    CALL_RECVMSG,
    CALL_SENDMSG,
    CALL_SHUTDOWN,
    CALL_CLOSE,
    CALL_SETSOCKOPT,
    CALL_GETSOCKOPT,
    CALL_NAME,
    CALL_NONBLOCKING,
    CALL_PAIR,
    CALL_DUP,
    CALL_READY,
    CALL_PATH_LOCK,
    CALL_POLL_OPEN,
    CALL_POLL_ADD,
    CALL_POLL_WAIT,
    FAULT_CALLS
};

/* In place of the kernel's, from then on. It fails only as told. */
void faults_install(void);

/* The mode of the program; and another one for a while. */
enum fault_mode faults_of_program(void);
const char *faults_name(void); /* for another program's WEIR_NET_FAULTS */
void faults_mode(enum fault_mode mode);

/* A test that injects: no mode meanwhile, and afterwards as before it. */
void faults_only_injected(void);
void faults_as_before(void);

/* A test that has a table of its own: the same. */
void faults_own_table(const struct net *net);

/*
 * A test that would say nothing in this mode, or nothing true: until faults_as_before() it runs
 * without. That is printed, with the reason, if it is, or is a part of, the program's.
 */
void faults_not(enum fault_mode mode, const char *why);

/* One byte at a time: tests send less. */
bool faults_make_slow(void);

/* What is there may be found later only. */
bool faults_make_late(void);

/*
 * From the n-th call of this kind on, from 1, `times` of them in a row return -error and do
 * nothing: an error of close(2) comes after it was closed. times 0: never again (n is ignored).
 * An error of 0 is a result of 0. Of CALL_GETSOCKOPT: SO_ERROR yields the error.
 */
void faults_inject(enum fault_call call, unsigned n, unsigned times, int error);
void faults_clear(void);

/* How many calls of a kind there have been since the last faults_inject() or clear of it. */
unsigned faults_calls(enum fault_call call);

/* How many calls a mode or an injection has spoilt, in all. */
unsigned long faults_done(void);

/* Of the mode's own, among those of the process. */
unsigned faults_threads(void);

/* Descriptors that are open by way of this table. */
long faults_open(void);

#endif
