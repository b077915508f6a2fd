/* io/grid.h: every pixel of the sheet by its definition. */
#include "io/grid.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void columns_are_nearly_square(void **state) {
    (void)state;
    static const int expected[][2] = {{1, 1},  {2, 2},  {3, 2},   {4, 2},      {5, 3},  {6, 3},
                                      {7, 3},  {8, 4},  {12, 4},  {16, 4},     {32, 8}, {50, 10},
                                      {63, 9}, {64, 8}, {97, 10}, {50000, 250}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(grid_columns(expected[i][0]), expected[i][1]);
}

static void check_sheet(int n, int h, int w, int c, GridStyle style, int columns, int rows) {
    Error error = {0};
    size_t size = (size_t)(n * h * w * c);
    uint8_t *images = malloc(size);
    for (size_t i = 0; i < size; i++) images[i] = (uint8_t)(1 + i % 251);
    Sheet sheet;
    assert_true(grid_make(images, n, h, w, c, style, &sheet, &error));
    int scale = style.scale == 0 ? 1 : style.scale;
    int pitch_y = h * scale + style.gap, pitch_x = w * scale + style.gap;
    assert_int_equal(sheet.height, rows * pitch_y - style.gap);
    assert_int_equal(sheet.width, columns * pitch_x - style.gap);
    assert_int_equal(sheet.channels, c);
    for (int y = 0; y < sheet.height; y++)
        for (int x = 0; x < sheet.width; x++)
            for (int k = 0; k < c; k++) {
                int i = y / pitch_y * columns + x / pitch_x;
                int iy = y % pitch_y / scale, ix = x % pitch_x / scale;
                uint8_t expected = i < n && iy < h && ix < w ? images[((i * h + iy) * w + ix) * c + k]
                                                             : style.background;
                assert_int_equal(sheet.pixels[(y * sheet.width + x) * c + k], expected);
            }
    free(sheet.pixels);
    free(images);
}

static void sheets(void **state) {
    (void)state;
    check_sheet(1, 3, 5, 3, (GridStyle){0}, 1, 1);
    check_sheet(4, 3, 5, 3, (GridStyle){.gap = 2, .background = 255}, 2, 2);
    check_sheet(7, 3, 5, 1, (GridStyle){.gap = 1, .background = 0}, 3, 3);
    check_sheet(7, 2, 3, 3, (GridStyle){.gap = 1, .scale = 3, .background = 9}, 3, 3);
    check_sheet(6, 2, 3, 3, (GridStyle){.columns = 4, .scale = 2}, 4, 2);
    check_sheet(3, 2, 3, 1, (GridStyle){.columns = 10, .gap = 1}, 3, 1);
}

static void refuses_wrong_sizes(void **state) {
    (void)state;
    Error error = {0};
    uint8_t pixel[1] = {0};
    Sheet sheet;
    assert_false(grid_make(pixel, 0, 1, 1, 1, (GridStyle){0}, &sheet, &error));
    assert_null(sheet.pixels);
    expect_message(&error, "sheet of 0 images", NULL);
    assert_false(grid_make(pixel, 1, 1, 1, 1, (GridStyle){.gap = -1}, &sheet, &error));
    expect_message(&error, "gap -1", NULL);
    assert_false(grid_make(pixel, 1, 1, 1, 1, (GridStyle){.scale = 1 << 30}, &sheet, &error));
    expect_message(&error, "too large", NULL);
    assert_false(
        grid_make(pixel, 1 << 30, 1 << 30, 1 << 30, 3, (GridStyle){.scale = 1 << 30}, &sheet, &error));
    expect_message(&error, "too large", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_nearly_square),
        cmocka_unit_test(sheets),
        cmocka_unit_test(refuses_wrong_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
