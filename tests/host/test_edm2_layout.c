/* nets/edm2_config.h and edm2_layout.h: what is read is what is meant, and what no network can have is
 * refused.  The layers themselves are held against the reference network by tests/oracle. */
#include "nets/edm2_layout.h"

#include "io/json.h"
#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool read_config(const char *text, Edm2Config *config, Error *error) {
    json_t *object = json_parse_text(text, strlen(text), "net", error);
    assert_non_null(object);
    const bool ok = edm2_config_read(config, object, "net", error);
    json_decref(object);
    return ok;
}

static void defaults_are_the_published_ones(void **state) {
    (void)state;
    Edm2Config c;
    Error error = {""};
    assert_true(
        read_config("{\"img_resolution\": 64, \"img_channels\": 4, \"label_dim\": 1000}", &c, &error));
    assert_int_equal(c.levels, 4);
    assert_int_equal(c.model_channels * c.channel_mult[3], 768);
    assert_int_equal(c.attention_count, 2);
    assert_true(c.clip_act == 256 && c.res_balance == 0.3 && c.sigma_data == 0.5);
}

static void configs_round_trip(void **state) {
    (void)state;
    Edm2Config a, b;
    Error error = {""};
    assert_true(
        read_config("{\"img_resolution\": 24, \"img_channels\": 1, \"label_dim\": 0, \"channel_mult\": "
                    "[1, 3], \"attn_resolutions\": [], \"clip_act\": 2.5}",
                    &a, &error));
    json_t *written = edm2_config_write(&a);
    assert_true(edm2_config_read(&b, written, "net", &error));
    json_decref(written);
    assert_int_equal(b.levels, 2);
    assert_int_equal(b.attention_count, 0);
    assert_true(b.clip_act == 2.5);
}

static void expect_refusal(const char *text, const char *message) {
    Edm2Config c;
    Error error = {""};
    assert_false(read_config(text, &c, &error));
    expect_message(&error, "net", message, NULL);
}

#define REQUIRED "\"img_resolution\": 36, \"img_channels\": 4, \"label_dim\": 10"

static void impossible_configs_are_refused(void **state) {
    (void)state;
    expect_refusal("{\"img_resolution\": 64}", "img_channels");
    expect_refusal("{" REQUIRED "}", "36 is not divisible by 8");
    expect_refusal("{" REQUIRED ", \"channel_mult\": [1, 2, 65537]}", "channel_mult");
    expect_refusal("{" REQUIRED ", \"channel_mult\": [1, 65536]}", "channels, expected at most");
    expect_refusal("{" REQUIRED ", \"channel_mult\": []}", "0 numbers");
    expect_refusal("{" REQUIRED ", \"res_balance\": 1.5}", "res_balance");
    expect_refusal("{" REQUIRED ", \"num_blocks\": 3000}", "num_blocks");
    expect_refusal("{" REQUIRED ", \"resolution\": 3}", "resolution");
}

static void layers_in_order(void **state) {
    (void)state;
    Edm2Config c;
    Edm2Layout layout;
    Error error = {""};
    assert_true(read_config(
        "{\"img_resolution\": 32, \"img_channels\": 1, \"label_dim\": 10, \"model_channels\": 32, "
        "\"channel_mult\": [1, 2, 2], \"num_blocks\": 1, \"attn_resolutions\": [8], "
        "\"channels_per_head\": 32}",
        &c, &error));
    assert_true(edm2_layout_make(&layout, &c, &error));
    assert_int_equal(layout.encoder_blocks, 5);
    assert_int_equal(layout.blocks, 15);
    const BlockLayout *in0 = &layout.block[5], *first = &layout.block[7], *last = &layout.block[14];
    assert_string_equal(layout.block[0].name, "enc.32x32_block0");
    assert_string_equal(in0->name, "dec.8x8_in0");
    assert_int_equal(in0->heads, 2);
    assert_int_equal(in0->skip, 0);
    assert_string_equal(first->name, "dec.8x8_block0");
    assert_int_equal(first->cin, 128);
    assert_int_equal(first->skip, 64);
    assert_string_equal(last->name, "dec.32x32_block1");
    assert_int_equal(last->cin, 64);
    assert_int_equal(layout.out_channels, 32);
    assert_int_equal(layout.emb_total, last->emb_offset + last->cout);
    edm2_layout_free(&layout);
}

static void heads_must_share_the_channels(void **state) {
    (void)state;
    Edm2Config c;
    Edm2Layout layout;
    Error error = {""};
    assert_true(read_config(
        "{\"img_resolution\": 8, \"img_channels\": 1, \"label_dim\": 0, \"model_channels\": 7, "
        "\"channel_mult\": [1], \"channels_per_head\": 3}",
        &c, &error));
    assert_false(edm2_layout_make(&layout, &c, &error));
    expect_message(&error, "7 channels", "2 attention heads", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_published_ones), cmocka_unit_test(configs_round_trip),
        cmocka_unit_test(impossible_configs_are_refused),  cmocka_unit_test(layers_in_order),
        cmocka_unit_test(heads_must_share_the_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
