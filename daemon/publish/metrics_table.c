/* SPDX-License-Identifier: GPL-3.0-or-later */
/* metrics_table.c - every metric.  D keeps the unit of every report; all else is in base units.
 * The names that begin with process_ are those that every Prometheus dashboard knows. */
#include "publish/metrics.h"

#define LIVE_STATES "running|stalled|waiting for disk|ending|unfiled|reopening"
#define COUNTER     IW_METRIC_COUNTER
#define GAUGE       IW_METRIC_GAUGE
#define PS          1e12 /* in a second */

/* clang-format off */
#define DAEMON(name, type, unit, from, help)       {name, type, unit, false, from, "", "", 1, help}
#define RUN(name, unit, from, over, help)          {name, GAUGE, unit, true, from, "", "", over, help}
#define STATES(name, from, label, values, help)    {name, IW_METRIC_STATES, "1", true, from, label, values, 1, help}

const iw_metric iw_metrics[] = {
    {"ionwatch_build_info", IW_METRIC_INFO, "1", false, "", "version version protocol protocol", "", 1,
     "version of the daemon and of its protocol"},
    DAEMON("ionwatch_uptime_seconds", GAUGE, "seconds", "uptime_s", "time since the daemon started"),

    DAEMON("ionwatch_frames_received_total", COUNTER, "frames", "counted.frames_received",
           "frames taken at the door"),
    DAEMON("ionwatch_frames_acknowledged_total", COUNTER, "frames", "counted.frames_acknowledged",
           "frames that are durable, so that their adapters may forget them"),
    DAEMON("ionwatch_frames_analysed_total", COUNTER, "frames", "counted.frames_analysed",
           "frames analysed, those of journals that are read after a restart included"),
    DAEMON("ionwatch_frames_repeated_total", COUNTER, "frames", "counted.frames_repeated",
           "frames that came again, after a broken connection"),
    DAEMON("ionwatch_frames_deferred_total", COUNTER, "frames", "counted.frames_deferred",
           "frames that were left with their adapters because the queue was full"),
    DAEMON("ionwatch_frame_received_bytes_total", COUNTER, "bytes", "counted.frame_bytes_received",
           "size of the frames taken, as they came"),
    DAEMON("ionwatch_journal_written_bytes_total", COUNTER, "bytes", "counted.journal_bytes_written",
           "growth of journals"),
    DAEMON("ionwatch_journal_bytes", GAUGE, "bytes", "now.journal_bytes",
           "journals of the runs that are not filed"),
    DAEMON("ionwatch_queue_bytes", GAUGE, "bytes", "now.queue_bytes",
           "frames between door and disk"),
    DAEMON("ionwatch_queue_limit_bytes", GAUGE, "bytes", "now.queue_limit_bytes",
           "room for them (queue_mib)"),
    DAEMON("ionwatch_analysis_seconds_total", COUNTER, "seconds", "counted.analysis_s",
           "time that all workers together spent reading and analysing frames"),
    DAEMON("ionwatch_snapshots_total", COUNTER, "snapshots", "counted.snapshots",
           "snapshots made for listings and subscribers"),
    DAEMON("ionwatch_snapshot_seconds_total", COUNTER, "seconds", "counted.snapshot_s",
           "time that these took"),

    {"ionwatch_runs", IW_METRIC_COUNTS, "runs", false, "state", "state", LIVE_STATES, 1,
     "runs that are not filed, by state"},
    DAEMON("ionwatch_runs_known", GAUGE, "runs", "runs", "runs in the data folder, filed ones included"),
    DAEMON("ionwatch_runs_begun_total", COUNTER, "runs", "counted.runs_begun",
           "runs that began, or went on after their end"),
    DAEMON("ionwatch_runs_ended_total", COUNTER, "runs", "counted.runs_ended", "runs that ended"),
    DAEMON("ionwatch_runs_filed_total", COUNTER, "runs", "counted.runs_filed",
           "runs that went into the database"),
    DAEMON("ionwatch_adapters_connected", GAUGE, "adapters", "now.adapters",
           "adapters that were heard within heartbeat_s"),
    DAEMON("ionwatch_refusals_total", COUNTER, "refusals", "refused",
           "messages, runs and handshakes that were turned away; the log says why"),
    DAEMON("ionwatch_questions_total", COUNTER, "questions", "counted.questions",
           "questions of readers: commands, the page, scrapes"),
    DAEMON("ionwatch_answers_waiting_bytes", GAUGE, "bytes", "answers_waiting",
           "answers that readers have not taken"),
    DAEMON("ionwatch_database_up", GAUGE, "1", "now.database_up",
           "1 while the database takes what ends, 0 while it does not"),
    DAEMON("ionwatch_disk_free_bytes", GAUGE, "bytes", "now.disk_free_bytes",
           "room on the file system of the data folder"),
    DAEMON("ionwatch_disk_bytes", GAUGE, "bytes", "now.disk_bytes", "size of that file system"),
    DAEMON("ionwatch_disk_reserve_bytes", GAUGE, "bytes", "now.disk_reserve_bytes",
           "room below which no journal grows (min_free_mib)"),

    DAEMON("process_start_time_seconds", GAUGE, "seconds", "process.started_unix_s",
           "when the daemon started, since 1970"),
    DAEMON("process_cpu_seconds_total", COUNTER, "seconds", "process.cpu_s",
           "processor time of all threads, user and system"),
    DAEMON("process_resident_memory_bytes", GAUGE, "bytes", "process.resident_bytes",
           "memory in use"),
    DAEMON("process_virtual_memory_bytes", GAUGE, "bytes", "process.virtual_bytes",
           "address space in use"),
    DAEMON("process_open_fds", GAUGE, "descriptors", "process.descriptors", "open descriptors"),
    DAEMON("process_max_fds", GAUGE, "descriptors", "process.descriptors_limit",
           "descriptors that may be open"),

    {"ionwatch_run_info", IW_METRIC_INFO, "1", true, "", "name name material material code code", "", 1,
     "what the run is; join it to the others by the label run"},
    STATES("ionwatch_run_state", "state", "state", LIVE_STATES,
           "1 for the state that the run is in"),
    STATES("ionwatch_run_convergence", "convergence", "state",
           "unknown|converging|converged|futile|broken", "1 for what the stop rules say of the run"),
    STATES("ionwatch_run_health", "health", "state", "good|warning|broken",
           "1 for the health of the run"),
    RUN("ionwatch_run_atoms", "atoms", "atoms", 1, "atoms of the run"),
    RUN("ionwatch_run_frames", "frames", "frames", 1, "frames analysed"),
    RUN("ionwatch_run_frames_durable", "frames", "frames_durable", 1, "frames in the journal"),
    RUN("ionwatch_run_journal_bytes", "bytes", "journal_bytes", 1, "size of the journal"),
    RUN("ionwatch_run_silent_seconds", "seconds", "silent_s", 1,
        "time since the adapter was heard; frames or not, a live one is heard every few seconds"),
    RUN("ionwatch_run_simulated_seconds", "seconds", "time_ps", PS, "MD time analysed"),
    RUN("ionwatch_run_temperature_kelvin", "kelvin", "temperature_K", 1,
        "target temperature, else the mean of what was measured"),
    RUN("ionwatch_run_diffusion_cm2_per_second", "cm2/s", "D_cm2_s", 1,
        "D of the mobile group, else of all atoms"),
    RUN("ionwatch_run_diffusion_stderr_cm2_per_second", "cm2/s", "stderr_cm2_s", 1,
        "standard error of D"),
    RUN("ionwatch_run_relative_error_ratio", "ratio", "relative_error", 1,
        "standard error of D over D"),
    RUN("ionwatch_run_target_ratio", "ratio", "target", 1,
        "relative error at which the run is converged"),
    RUN("ionwatch_run_predicted_simulated_seconds", "seconds", "predicted_ps_to_target", PS,
        "MD time that is wanted until then"),
    {0},
};
/* clang-format on */
