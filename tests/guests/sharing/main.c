/* SPDX-License-Identifier: MIT
 * sharing: two domains share a page by a grant and tell each other by an event channel. "user=N" on the command line: this
 * one lends, to domain N; "lender=N": this one uses what N lends. A question goes over the page, its answer comes back
 * the same way; then bytes by copies, in both directions; then the user lets go, and only then can the grant be ended. */
#include "attempt.h"
#include "guest/event.h"
#include "guest/grant.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/string.h"

#define SHARED     8u /* entries of the lender's table: the page that both see */
#define SECRET     9u /* for reading only */
#define OTHERS    10u /* not for the user */
#define QUESTIONS 50u
#define PATIENCE  20000u /* looks until the lender is there */

/* What the shared page holds. */
struct talk {
    uint32_t port;  /* the lender's, kept for the user */
    uint32_t asked; /* how many questions there were */
    uint64_t question, answer;
    uint64_t over; /* the user has let go of all but this page */
};

static volatile struct talk *talk;
static volatile uint32_t seen; /* events that came */

static void came(evtchn_port_t port)
{
    (void)port;
    seen++;
}

static uint64_t answer_to(uint64_t question)
{
    return question * 3 + 1;
}

/* ---- who lends ------------------------------------------------------------------------------------------------ */

static void lend_pages(domid_t user, uint8_t *secret, uint8_t *others)
{
    for (unsigned int i = 0; i < PAGE_SIZE; i++)
        secret[i] = (uint8_t)(i * 5);
    grant_access(SECRET, user, secret, true);
    grant_access(OTHERS, (domid_t)(user + 1), others, false);
    grant_access(SHARED, user, (const void *)(uintptr_t)talk, false);
}

static void answer_questions(evtchn_port_t port)
{
    for (uint32_t n = 1; n <= QUESTIONS; n++) {
        events_wait_until(talk->asked == n);
        talk->answer = answer_to(talk->question);
        event_send(port);
    }
}

static void lend(domid_t user)
{
    uint8_t *secret = page_alloc(), *others = page_alloc();
    long port = event_keep_for(user, came);

    talk = page_alloc();
    report_answer("a grant table", grant_setup(1), GNTST_okay);
    report_true("a port for the user", port > 0);
    talk->port = (uint32_t)port;
    lend_pages(user, secret, others);
    answer_questions((evtchn_port_t)port);
    events_wait_until(talk->over == 1);
    report_equal("what the user copied into the page", ((volatile uint8_t *)talk)[1000], 0x5a);
    report_true("refused: ending a grant that is in use", !grant_end_access(SHARED));
    report_true("ending one that is not", grant_end_access(SECRET));
    talk->over = 2;
    event_send((evtchn_port_t)port);
    for (unsigned int i = 0; i < PATIENCE && grant_table[SHARED].flags & GTF_reading; i++)
        hypercall_sched_op(SCHEDOP_yield, NULL);
    report_true("the user is gone: ending it", grant_end_access(SHARED));
}

/* ---- who uses ------------------------------------------------------------------------------------------------- */

static bool map_shared(domid_t lender, uint8_t *window, grant_handle_t *handle)
{
    long answer = GNTST_general_error;

    for (unsigned int i = 0; i < PATIENCE && answer != GNTST_okay; i++) {
        answer = grant_map(lender, SHARED, window, 0, handle);
        if (answer != GNTST_okay)
            hypercall_sched_op(SCHEDOP_yield, NULL);
    }
    return report_answer("the lender's page", answer, GNTST_okay);
}

static void ask_questions(evtchn_port_t port)
{
    unsigned int right = 0;

    for (uint32_t n = 1; n <= QUESTIONS; n++) {
        uint64_t question = n * 0x123456789ul;

        talk->question = question;
        talk->asked = n;
        event_send(port);
        events_wait_until(talk->answer == answer_to(question));
        right++;
    }
    report_equal("answers", right, QUESTIONS);
}

static void copies(domid_t lender)
{
    uint8_t *copy = page_alloc();
    static uint8_t byte[1] = {0x5a};

    report_answer("copy all of a page", grant_copy_from(lender, SECRET, 0, copy, PAGE_SIZE), GNTST_okay);
    report_equal("its last byte", copy[PAGE_SIZE - 1], (uint8_t)((PAGE_SIZE - 1) * 5));
    report_answer("refused: copy to it", grant_copy_to(lender, SECRET, 0, copy, 8), GNTST_general_error);
    report_answer("refused: another's", grant_copy_from(lender, OTHERS, 0, copy, 8), GNTST_general_error);
    report_answer("copy into the shared page", grant_copy_to(lender, SHARED, 1000, byte, 1), GNTST_okay);
}

static void refusals(domid_t lender, uint8_t *place)
{
    grant_handle_t handle;

    report_answer("refused: map for writing what is lent for reading", grant_map(lender, SECRET, place, 0, &handle),
                  GNTST_general_error);
    report_answer("refused: map another's", grant_map(lender, OTHERS, place, 0, &handle), GNTST_general_error);
    report_answer("map for reading", grant_map(lender, SECRET, place, GNTMAP_readonly, &handle), GNTST_okay);
    report_equal("it can be read", place[7], 35);
    report_answer("unmap", grant_unmap(handle, place), GNTST_okay);
    report_answer("refused: once more", grant_unmap(handle, place), GNTST_bad_handle);
    report_answer("the own page again", page_writable(place), 0);
}

static void use(domid_t lender)
{
    uint8_t *window = page_alloc(), *place = page_alloc();
    grant_handle_t handle;
    long port;

    if (!map_shared(lender, window, &handle))
        return;
    talk = (volatile struct talk *)window;
    port = event_bind_interdomain(lender, talk->port, came);
    report_true("the lender's port", port > 0);
    ask_questions((evtchn_port_t)port);
    refusals(lender, place);
    copies(lender);
    talk->over = 1;
    event_send((evtchn_port_t)port);
    events_wait_until(talk->over == 2);
    report_answer("unmap the shared page", grant_unmap(handle, window), GNTST_okay);
    report_answer("the own page again", page_writable(window), 0);
    report_equal("it is clear", window[0], 0);
}

void guest_main(void)
{
    unsigned long user = attempt_option("user", 0), lender = attempt_option("lender", 0);

    report_title("sharing", "two domains share a page by a grant, and an event channel");
    if (user)
        lend((domid_t)user);
    else if (lender)
        use((domid_t)lender);
    else
        report_skip("it needs a second domain: user=N or lender=N");
}
