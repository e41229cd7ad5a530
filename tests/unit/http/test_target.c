/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests: their bytes, their routes, who asks. */
#include "iw_test.h"

#include "publish/http/route.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static iw_target target;
static iw_error err;

static void
paths_and_queries_are_decoded(void **state)
{
    (void)state;
    assert_int_equal(
        iw_target_parse("/api/v1/runs/a%2Fb%20%C3%BC?series=full&x=1+2%2B", &target, &err), IW_OK);
    assert_int_equal(target.n_segments, 4);
    assert_string_equal(target.segments[3], "a/b \303\274");
    assert_string_equal(iw_target_parameter(&target, "series"), "full");
    assert_string_equal(iw_target_parameter(&target, "x"), "1 2+");
    assert_null(iw_target_parameter(&target, "y"));
    assert_int_equal(iw_target_parse("/", &target, &err), IW_OK);
    assert_int_equal(target.n_segments, 0);
    assert_int_equal(iw_target_parse("/a?", &target, &err), IW_OK);
    assert_int_equal(iw_target_parse("/a?&&b&", &target, &err), IW_OK);
    assert_string_equal(iw_target_parameter(&target, "b"), "");
}

static void
paths_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "a",
                                        "*",
                                        "http://x/",
                                        "/%",
                                        "/%4",
                                        "/%zz",
                                        "/%00",
                                        "/a%",
                                        "/\xe9",
                                        "/%e9",
                                        "/a/",
                                        "//a/b/c/d/e/f/g",
                                        "/a?x=%0",
                                        "/a?x=1&x=2",
                                        "/a?abcdefghijklmnopqrstuvwxyz=1",
                                        "/a?a&b&c&d&e&f&g"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(iw_target_parse(wrong[i], &target, &err), IW_INVALID);
    char longest[IW_TARGET_WORD + 2] = "/";
    memset(longest + 1, 'a', IW_TARGET_WORD - 1);
    assert_int_equal(iw_target_parse(longest, &target, &err), IW_OK);
    longest[IW_TARGET_WORD] = 'a';
    assert_int_equal(iw_target_parse(longest, &target, &err), IW_INVALID);
}

static void
headers_are_read_as_they_are_meant(void **state)
{
    (void)state;
    char value[8];
    assert_true(iw_cookie_find("a=1; sid=xyz; b=2", "sid", value, sizeof value));
    assert_string_equal(value, "xyz");
    assert_true(iw_cookie_find("sid=", "sid", value, sizeof value));
    assert_string_equal(value, "");
    assert_false(iw_cookie_find("xsid=1; sidx=2; sid", "sid", value, sizeof value));
    assert_false(iw_cookie_find("sid=longer than room", "sid", value, sizeof value));
    assert_false(iw_cookie_find(NULL, "sid", value, sizeof value));

    assert_true(iw_accepts_gzip("gzip, deflate"));
    assert_true(iw_accepts_gzip("br;q=1.0, GZIP;q=0.1"));
    assert_false(iw_accepts_gzip("gzip;q=0"));
    assert_false(iw_accepts_gzip("gzip; q=0.000, br"));
    assert_false(iw_accepts_gzip("xgzip, gzipx"));
    assert_false(iw_accepts_gzip(NULL));

    assert_true(iw_etag_matches("\"a\", W/\"b\" ,\"c\"", "\"b\""));
    assert_true(iw_etag_matches("*", "\"b\""));
    assert_false(iw_etag_matches("\"a\", \"bb\"", "\"b\""));
    assert_false(iw_etag_matches("", "\"b\""));
}

static void
hosts_are_names_without_ports(void **state)
{
    (void)state;
    static const struct {
        const char *header, *host;
        bool address;
    } good[] = {{"localhost:8417", "localhost", false},
                {"LocalHost", "localhost", false},
                {"[::1]:80", "::1", true},
                {"127.0.0.1", "127.0.0.1", true},
                {"http://a.b:1", "a.b", false},
                {"https://[fe80::1]", "fe80::1", true},
                {"localhost.", "localhost", false},
                {"127.0.0.1.evil.org", "127.0.0.1.evil.org", false}};
    static const char *const bad[] = {"",    ":80", "[::1",   "a b",  "a/b",
                                      "u@h", "h:x", "[::1]x", "null", "::1"};
    char host[64];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(iw_host_of(good[i].header, host, sizeof host));
        assert_string_equal(host, good[i].host);
        assert_int_equal(iw_host_is_address(host), good[i].address);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (strcmp(bad[i], "null") != 0) /* a name as any other */
            assert_false(iw_host_of(bad[i], host, sizeof host));
    assert_false(iw_host_of("abcdefgh", host, 8));
}

static iw_status
find(const char *method, const char *raw, iw_route_id *id, char allow[64])
{
    assert_int_equal(iw_target_parse(raw, &target, &err), IW_OK);
    return iw_route_find(&target, method, id, allow, &err);
}

static void
routes_are_found_by_path_and_method(void **state)
{
    (void)state;
    iw_route_id id;
    char allow[64];
    assert_int_equal(find("GET", "/", &id, allow), IW_OK);
    assert_int_equal(id, IW_ROUTE_page);
    assert_int_equal(find("HEAD", "/api/v1/runs/a%2Fb", &id, allow), IW_OK);
    assert_int_equal(id, IW_ROUTE_run);
    assert_int_equal(find("POST", "/api/v1/runs/stop/stop", &id, allow), IW_OK);
    assert_int_equal(id, IW_ROUTE_stop);
    assert_int_equal(find("GET", "/api/v1/runs/x/series.csv?kind=msd&group=Li", &id, allow), IW_OK);
    assert_int_equal(id, IW_ROUTE_series);
    assert_int_equal(find("GET", "/api/v1/runs?series=1", &id, allow), IW_INVALID);
    assert_int_equal(find("GET", "/api/v1", &id, allow), IW_NOT_FOUND);
    assert_int_equal(find("GET", "/api/v1/runs/x/y", &id, allow), IW_NOT_FOUND);
    assert_int_equal(find("HEAD", "/api/v1/runs/x/stop", &id, allow), IW_UNSUPPORTED);
    assert_string_equal(allow, "POST");
    assert_int_equal(find("PUT", "/api/v1/session", &id, allow), IW_UNSUPPORTED);
    assert_string_equal(allow, "GET, HEAD, POST, DELETE");
}

/* "a b" of the query parameters of an operation, in its order. */
static void
parameters_of(const json_t *operation, char text[200])
{
    size_t i;
    json_t *parameter;
    text[0] = '\0';
    json_array_foreach(json_object_get(operation, "parameters"), i, parameter)
    {
        if (strcmp(json_string_value(json_object_get(parameter, "in")), "query") == 0)
            (void)snprintf(text + strlen(text), 200 - strlen(text), "%s%s", *text ? " " : "",
                           json_string_value(json_object_get(parameter, "name")));
    }
}

static void
the_document_and_the_table_of_routes_agree(void **state)
{
    (void)state;
    json_t *document = json_load_file(IONWATCH_SOURCE_DIR "/docs/openapi.json", 0, NULL);
    json_t *paths = json_object_get(document, "paths"), *item, *operation;
    const char *path, *method;
    size_t n = 0;
    for (int i = 0; i < IW_ROUTES; i++) {
        char lower[16] = "", parameters[200];
        for (size_t k = 0; iw_routes[i].method[k]; k++)
            lower[k] = (char)(iw_routes[i].method[k] | 0x20);
        operation = json_object_get(json_object_get(paths, iw_routes[i].path), lower);
        if (!operation)
            fail_msg("%s %s is not in docs/openapi.json", iw_routes[i].method, iw_routes[i].path);
        parameters_of(operation, parameters);
        assert_string_equal(parameters, iw_routes[i].parameters);
        size_t wanted = json_array_size(json_object_get(operation, "security"));
        assert_int_equal(wanted, iw_routes[i].role == IW_MAY_NOTHING ? 0
                                 : iw_routes[i].role == IW_MAY_READ  ? 3
                                                                     : 2);
    }
    json_object_foreach(paths, path, item)
    {
        json_object_foreach(item, method, operation)
        {
            n++;
        }
    }
    assert_int_equal(n, IW_ROUTES);
    json_decref(document);
}

static void
a_file_of_tokens_is_made_and_read_again(void **state)
{
    (void)state;
    static iw_sessions sessions;
    char path[] = "/tmp/iw-tokens-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(iw_sessions_load(&sessions, path, &err), IW_OK);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    static iw_sessions again;
    assert_int_equal(iw_sessions_load(&again, path, &err), IW_OK);
    assert_string_equal(again.tokens[IW_MAY_OPERATE], sessions.tokens[IW_MAY_OPERATE]);
    assert_int_equal(strlen(again.tokens[IW_MAY_READ]), IW_TOKEN);
    assert_int_equal(iw_sessions_token(&again, again.tokens[IW_MAY_READ]), IW_MAY_READ);
    assert_int_equal(iw_sessions_token(&again, again.tokens[IW_MAY_OPERATE]), IW_MAY_OPERATE);
    char longer[IW_TOKEN + 2];
    (void)snprintf(longer, sizeof longer, "%sx", again.tokens[IW_MAY_READ]);
    assert_int_equal(iw_sessions_token(&again, longer), IW_MAY_NOTHING);
    assert_int_equal(iw_sessions_token(&again, ""), IW_MAY_NOTHING);

    (void)unlink(path);
}

static const char *const of_role[] = {"", "0123456789abcdef", "fedcba9876543210"};

static void
fill_tokens(iw_sessions *sessions)
{
    *sessions = (iw_sessions){0};
    for (int role = IW_MAY_READ; role <= IW_MAY_OPERATE; role++)
        (void)snprintf(sessions->tokens[role], sizeof sessions->tokens[role], "%s", of_role[role]);
}

static void
sessions_outlive_the_daemon_and_end_with_their_token(void **state)
{
    (void)state;
    static iw_sessions sessions, later;
    static const int64_t begin = 1700000000, hour = 3600;
    char id[IW_SESSION + 1], renewed[IW_SESSION + 1];
    fill_tokens(&sessions);
    iw_sessions_open(&sessions, IW_MAY_OPERATE, begin, id);
    assert_int_equal(strlen(id), IW_SESSION);
    assert_null(strstr(id, of_role[IW_MAY_OPERATE]));
    fill_tokens(&later); /* another daemon with the same file */
    assert_int_equal(iw_sessions_role(&later, id, begin + 10, renewed), IW_MAY_OPERATE);
    assert_string_equal(renewed, "");
    assert_int_equal(iw_sessions_role(&later, id, begin + 11 * hour, renewed), IW_MAY_OPERATE);
    assert_int_equal(iw_sessions_role(&later, renewed, begin + 22 * hour, id), IW_MAY_OPERATE);
    assert_int_equal(iw_sessions_role(&later, renewed, begin + 24 * hour, id), IW_MAY_NOTHING);
    assert_int_equal(iw_sessions_role(&later, renewed, begin, id), IW_MAY_NOTHING);
    later.tokens[IW_MAY_OPERATE][0] = 'x';
    assert_int_equal(iw_sessions_role(&later, renewed, begin + 12 * hour, id), IW_MAY_NOTHING);
    later.tokens[IW_MAY_OPERATE][0] = '\0'; /* nobody operates any more */
    assert_int_equal(iw_sessions_role(&later, renewed, begin + 12 * hour, id), IW_MAY_NOTHING);
}

static void
a_session_that_was_closed_or_changed_is_none(void **state)
{
    (void)state;
    static iw_sessions sessions;
    static const int64_t begin = 1700000000, hour = 3600;
    char id[IW_SESSION + 1], renewed[IW_SESSION + 1], more[IW_SESSION + 1], other[IW_SESSION + 1];
    fill_tokens(&sessions);
    iw_sessions_open(&sessions, IW_MAY_READ, begin, id);
    iw_sessions_open(&sessions, IW_MAY_READ, begin, other);
    assert_string_not_equal(id, other);
    for (size_t i = 0; i < IW_SESSION; i++) { /* another role, time, name or seal */
        char was = id[i];
        id[i] = i == 0 ? 'o' : was == '0' ? '1' : '0';
        assert_int_equal(iw_sessions_role(&sessions, id, begin, more), IW_MAY_NOTHING);
        iw_sessions_close(&sessions, id);
        id[i] = was;
    }
    assert_int_equal(iw_sessions_role(&sessions, "", begin, more), IW_MAY_NOTHING);
    assert_int_equal(iw_sessions_role(&sessions, id, begin + 2 * hour, renewed), IW_MAY_READ);
    iw_sessions_close(&sessions, renewed); /* under both of its ids */
    assert_int_equal(iw_sessions_role(&sessions, id, begin, more), IW_MAY_NOTHING);
    assert_int_equal(iw_sessions_role(&sessions, renewed, begin + 2 * hour, more), IW_MAY_NOTHING);
    assert_int_equal(iw_sessions_role(&sessions, other, begin, more), IW_MAY_READ);
    for (int i = 0; i < 2 * IW_SESSIONS_CLOSED; i++) { /* as many as are remembered, and more */
        iw_sessions_open(&sessions, IW_MAY_READ, begin, id);
        iw_sessions_close(&sessions, id);
        assert_int_equal(iw_sessions_role(&sessions, id, begin, more), IW_MAY_NOTHING);
    }
    assert_int_equal(iw_sessions_role(&sessions, other, begin, more), IW_MAY_READ);
}

static void
files_of_tokens_that_cannot_be_trusted_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned mode;
        iw_status status;
    } cases[] = {
        {"reader 0123456789abcdef\n# a remark\n\noperator 0123456789abcdeg\n", 0600, IW_OK},
        {"reader 0123456789abcdef\n", 0640, IW_REFUSED},
        {"reader short\n", 0600, IW_INVALID},
        {"reader 0123456789abcdef more\n", 0600, IW_INVALID},
        {"king 0123456789abcdef\n", 0600, IW_INVALID},
        {"", 0600, IW_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static iw_sessions sessions;
        char path[] = "/tmp/iw-tokens-XXXXXX";
        int fd = mkstemp(path);
        assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)), strlen(cases[i].text));
        assert_int_equal(fchmod(fd, cases[i].mode), 0);
        (void)close(fd);
        assert_int_equal(iw_sessions_load(&sessions, path, &err), cases[i].status);
        (void)unlink(path);
    }
    static iw_sessions none; /* of an empty file: nobody gets in */
    assert_int_equal(iw_sessions_token(&none, ""), IW_MAY_NOTHING);
    assert_int_equal(iw_sessions_load(&none, "/tmp", &err), IW_REFUSED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_and_queries_are_decoded),
        cmocka_unit_test(paths_that_cannot_be_are_refused),
        cmocka_unit_test(headers_are_read_as_they_are_meant),
        cmocka_unit_test(hosts_are_names_without_ports),
        cmocka_unit_test(routes_are_found_by_path_and_method),
        cmocka_unit_test(the_document_and_the_table_of_routes_agree),
        cmocka_unit_test(a_file_of_tokens_is_made_and_read_again),
        cmocka_unit_test(sessions_outlive_the_daemon_and_end_with_their_token),
        cmocka_unit_test(a_session_that_was_closed_or_changed_is_none),
        cmocka_unit_test(files_of_tokens_that_cannot_be_trusted_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
