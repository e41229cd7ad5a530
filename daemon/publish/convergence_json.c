/* SPDX-License-Identifier: GPL-3.0-or-later */
/* convergence_json.c - what the stop rules say, in the words of the JSON contract. */
#include "publish/json.h"
#include "publish/values.h"

/* json_pack's "o" takes the reference also where it fails, and passes NULL on as failure. */
static json_t *
pair(const double values[2])
{
    return json_pack("[oo]", iw_json_number(values[0]), iw_json_number(values[1]));
}

static json_t *
decision_json(const iw_decision *decision)
{
    const iw_convergence_values *v = &decision->values;
    json_t *values = json_pack(
        "{so so so so so so so so so so}", "known_at_ps", iw_json_number(v->time_ps),
        "relative_error", iw_json_number(v->relative_error), "D_cm2_s", iw_json_number(v->D_cm2_s),
        "ci95_cm2_s", pair(v->ci95_cm2_s), "effective_hops", iw_json_number(v->effective_hops),
        "alpha", iw_json_number(v->alpha), "target", iw_json_number(decision->target),
        "min_D_cm2_s", iw_json_number(decision->min_D_cm2_s), "budget_ps",
        iw_json_number(decision->budget_ps), "predicted_total_ps_ci95",
        pair(decision->predicted_ps));
    return json_pack("{ss ss sI sI so ss sb so so}", "rule", iw_rule_name(decision->rule), "action",
                     iw_stop_mode_name(decision->action), "frame", (json_int_t)decision->frame,
                     "step", (json_int_t)decision->step, "time_ps",
                     iw_json_number(decision->time_ps), "reason", decision->reason, "holds",
                     (int)decision->holds, "values", values, "saved_ps",
                     iw_json_number(decision->saved_ps));
}

json_t *
iw_convergence_json(const iw_convergence *c)
{
    json_t *decisions = json_array();
    for (size_t i = 0; i < c->n_decisions; i++) {
        if (json_array_append_new(decisions, decision_json(&c->decisions[i])) != 0) {
            json_decref(decisions);
            return NULL;
        }
    }
    json_t *rule = c->rule < IW_RULE_COUNT ? json_string(iw_rule_name(c->rule)) : json_null();
    return json_pack("{ss ss so so so so so}", "state", c->state, "reason", c->reason, "rule", rule,
                     "relative_error", iw_json_number(c->relative_error), "predicted_ps_to_target",
                     iw_json_number(c->predicted_ps_to_target), "predicted_ps_ci95",
                     pair(c->predicted_ps_ci95), "decisions", decisions);
}
