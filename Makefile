# kairos: the whole build.
#
#   make            build/kairos for the GPU if there are nvcc and one, else for the CPU
#   make cuda       build/kairos for GPUs (CUDA_ARCHS, by default sm_80, sm_90a, sm_100), wherever nvcc is
#   make cpu        build/kairos for the CPU
#   make ptx        build/kairos.ptx: nvcc's own code, run on the CPU with checks and counters (tests/ptx)
#   make demo       install what is missing, build, sample the shipped model into out/demo.png
#   make check      every test, on the GPU if there is one (make check-cpu: on the CPU; check-ptx: nvcc's code)
#   make bench      timings, side by side with PyTorch
#   make fuzz       the parsers of outside files, RUNS=1000000 each
#   make gpu-check  everything on a GPU, into bench/results/
#   make sass-report   what ptxas made of each kernel, and the limits on that; takes nvcc, no GPU
#   make check-layers  no file includes anything of a layer above it (ARCHITECTURE.md)
#   make format     clang-format        make install PREFIX=/usr/local
#
# Objects lie in build/VARIANT/, one folder for each way of compiling the same sources:
#   fast       the CPU product: simt with blocks of one thread, optimized
#   sanitized  the same under AddressSanitizer and UndefinedBehaviorSanitizer
#   cuda       nvcc
MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
.DELETE_ON_ERROR:
.SECONDARY:
# Commands are shown by the file they make; make V=1 shows them whole.  make WERROR=1 fails at warnings, and
# at registers that nvcc spills.  make CUDNN=FOLDER takes cuDNN from elsewhere than CUDA's folder.
Q    := $(if $(V),,@)
show  = $(if $(V),,@echo "  $(1)  $@")

comma   := ,
BUILD   ?= build
PREFIX  ?= /usr/local
ARCH    ?= native
PYTHON  ?= /usr/bin/python3
RUNS    ?= 1000000
NVCC    ?= $(or $(shell command -v nvcc),/usr/local/cuda/bin/nvcc)
CUDA    ?= $(patsubst %/bin/nvcc,%,$(NVCC))
TARGET  ?= $(if $(and $(wildcard $(NVCC)),$(shell nvidia-smi -L 2>/dev/null)),cuda,cpu)
VARIANT  = $(if $(filter cuda,$(TARGET)),cuda,fast)

# ---- sources --------------------------------------------------------------------------------------
KERNELS   := $(wildcard kernels/*.cu kernels/*.c)
SIMT      := $(wildcard kernels/simt/*.cpp)
HOST      := $(wildcard host/*.c host/*/*.c)
LIBRARY   := $(filter-out host/main.c host/commands/%,$(HOST))
objects    = $(patsubst %,$(BUILD)/$(1)/%.o,$(2))
kernel_objects = $(call objects,$(1),$(KERNELS) $(if $(filter-out cuda,$(1)),$(SIMT)))
program_objects = $(call kernel_objects,$(1)) $(call objects,$(1),$(HOST))
library_objects = $(call kernel_objects,$(1)) $(call objects,$(1),$(LIBRARY))

# ---- how each variant compiles ----------------------------------------------------------------------
WARNINGS  := -Wall -Wextra $(if $(WERROR),-Werror)
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# Multiply-adds are fused wherever they stand: if the compiler thought that slower in some loops, as it does
# for some processors, a sum would depend on which of two loops makes it.
FUSE := -ffp-contract=fast --param avoid-fma-max-bits=0
# What vectorizing sums and exponentials needs; infinities and NaN keep their meaning.
VECTORIZE := -fno-math-errno -fno-trapping-math -fno-signed-zeros -fassociative-math $(FUSE) \
             $(if $(filter x86_64,$(shell uname -m)),-mprefer-vector-width=512)
FLAGS_fast      := -O3 -g1 -march=$(ARCH) -fopenmp
FLAGS_sanitized := -O1 -g -march=$(ARCH) -fopenmp $(SANITIZE)
FLAGS_cuda      := -O2 -g1 -fopenmp
LINK_fast       := -fopenmp -ldnnl -lopenblas -lfftw3f
LINK_sanitized  := $(LINK_fast) $(SANITIZE)
LINK_cuda       := $(if $(CUDNN),-L$(CUDNN)/lib -Wl$(comma)-rpath$(comma)$(CUDNN)/lib) -L$(CUDA)/lib64 -Wl,-rpath,$(CUDA)/lib64 \
                   -l:libcudnn.so.9 -lcublas -lcufft -lcudart -fopenmp
INCLUDE_cuda    := -Ikernels $(if $(CUDNN),-I$(CUDNN)/include) -I$(CUDA)/include
INCLUDE_simt    := -Ikernels -Ikernels/simt/include
include_of       = $(if $(filter cuda,$(1)),$(INCLUDE_cuda),$(INCLUDE_simt))
LIBS            := -llapacke -ljansson -lzip -lpng -lpthread -lm -lstdc++
# 90a, not 90: wgmma needs it, and every GPU of compute capability 9 is a 9.0.  Each one's PTX lies beside its
# code: drivers compile the last for newer GPUs, and tests/ptx runs all of them on a CPU.
CUDA_ARCHS      ?= 80 90a 100
GENCODE         := $(foreach a,$(CUDA_ARCHS),-gencode 'arch=compute_$(a),code=[sm_$(a),compute_$(a)]')
NVCC_FLAGS      := -std=c++17 -O3 -lineinfo $(GENCODE) $(if $(WERROR),-Werror all-warnings) -Xptxas -warn-spills \
                   -Xcompiler -Wall,-Wextra,-Wno-unused-parameter,-fopenmp

define variant_rules
$(BUILD)/$(1)/%.c.o: %.c Makefile
	@mkdir -p $$(@D)
	$$(call show,cc  )
	$$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(FLAGS_$(1)) $(INCLUDE) -Ihost -Itests $(call include_of,$(1)) -MMD -MP -c $$< -o $$@
endef
$(foreach v,fast sanitized cuda,$(eval $(call variant_rules,$(v))))

# The CPU target is optimized also under the sanitizers: the tests of kernels wait for its products. Its
# libraries keep the order of their sums, so that a result does not depend on how many rows are asked for.
define simt_rules
$(BUILD)/$(1)/%.cu.o: %.cu Makefile
	@mkdir -p $$(@D)
	$$(call show,c++ )
	$$(Q)$(CXX) -x c++ -std=c++17 $(WARNINGS) -Wno-unknown-pragmas $(FLAGS_$(1)) $(if $(filter fast,$(1)),$(VECTORIZE)) $(INCLUDE_simt) -Itests -MMD -MP -c $$< -o $$@
$(BUILD)/$(1)/%.cpp.o: %.cpp Makefile
	@mkdir -p $$(@D)
	$$(call show,c++ )
	$$(Q)$(CXX) -std=c++17 $(WARNINGS) -Wno-unknown-pragmas $(FLAGS_$(1)) $(if $(filter fast,$(1)),,-O2) $(FUSE) $(INCLUDE_simt) -Itests -MMD -MP -c $$< -o $$@
endef
$(foreach v,fast sanitized,$(eval $(call simt_rules,$(v))))

$(BUILD)/cuda/%.cu.o: %.cu Makefile
	@mkdir -p $(@D)
	$(call show,nvcc)
	$(Q)$(NVCC) $(NVCC_FLAGS) $(INCLUDE_cuda) -Itests -MMD -MP -c $< -o $@

# ---- the program ------------------------------------------------------------------------------------
.PHONY: all cpu cuda
all: $(BUILD)/kairos
cpu:
	@$(MAKE) --no-print-directory TARGET=cpu all
cuda:
	@$(MAKE) --no-print-directory TARGET=cuda all

define link_rule
$(BUILD)/kairos.$(1): $(call program_objects,$(1))
	$$(call show,link)
	$$(Q)$(CC) $$^ $(LINK_$(1)) $(LIBS) -o $$@
endef
$(foreach v,fast sanitized cuda,$(eval $(call link_rule,$(v))))

# What scripts/gpu_check.sh compares outputs with.
define compare_rule
$(BUILD)/$(1)/compare_tensors: $(BUILD)/$(1)/tests/gpu/compare_tensors.c.o $(call library_objects,$(1))
	$$(call show,link)
	$$(Q)$(CC) $$^ $(LINK_$(1)) $(LIBS) -o $$@
endef
$(foreach v,fast cuda,$(eval $(call compare_rule,$(v))))

# A copy, so that build/kairos is of the target that was asked for last.
$(BUILD)/kairos: $(BUILD)/kairos.$(VARIANT) FORCE
	@cmp -s $< $@ || { cp $< $@.new && mv $@.new $@; }

# ---- tests ------------------------------------------------------------------------------------------
# tests/simt: the CPU target itself; tests/kernels: every operation against double-precision loops;
# tests/host: the layers above; tests/oracle: the program against the reference network in PyTorch;
# tests/sass: the report on what ptxas made; tests/scripts: the check of layers.
SIMT_TESTS   := $(wildcard tests/simt/test_*.cu)
KERNEL_TESTS := $(wildcard tests/kernels/test_*.c)
HOST_TESTS   := $(wildcard tests/host/test_*.c)
SUPPORT      := $(wildcard tests/support/*.c)
ORACLE_TESTS := $(wildcard tests/oracle/test_*.py)
SASS_TESTS   := $(wildcard tests/sass/test_*.py)
SCRIPT_TESTS := $(wildcard tests/scripts/test_*.py)
test_programs = $(patsubst %,$(BUILD)/$(1)/%.test,$(2))

define test_rules
$(BUILD)/$(1)/tests/%.test: $(BUILD)/$(1)/tests/%.o $(call objects,$(1),$(SUPPORT)) $(call library_objects,$(1))
	$$(call show,link)
	$$(Q)$(CC) $$^ $(LINK_$(1)) $(LIBS) -lcmocka -o $$@
endef
$(foreach v,fast sanitized cuda,$(eval $(call test_rules,$(v))))

TESTS_sanitized := $(call test_programs,sanitized,$(SIMT_TESTS) $(KERNEL_TESTS) $(HOST_TESTS))
TESTS_fast      := $(call test_programs,fast,$(SIMT_TESTS) $(KERNEL_TESTS))
TESTS_cuda      := $(call test_programs,cuda,$(KERNEL_TESTS) $(HOST_TESTS))

.PHONY: check check-layers check-cpu check-programs check-cuda tests tests-cuda kernel-tests-cuda FORCE
tests: $(TESTS_sanitized) $(TESTS_fast)
tests-cuda: $(TESTS_cuda)
kernel-tests-cuda: $(call test_programs,cuda,$(KERNEL_TESTS))
check: check-layers check-$(TARGET)
check-layers:
	$(Q)$(PYTHON) scripts/check_layers.py
check-cpu: $(BUILD)/kairos.fast tests
	@$(MAKE) --no-print-directory TARGET=cpu check-programs check-ptx $(addprefix run-,$(ORACLE_TESTS) $(SASS_TESTS) $(SCRIPT_TESTS))
	@echo "make check: all tests passed"
check-programs: $(addprefix run-,$(TESTS_sanitized) $(TESTS_fast))
check-cuda: $(BUILD)/kairos.cuda tests-cuda
	@$(MAKE) --no-print-directory TARGET=cuda $(addprefix run-,$(TESTS_cuda) $(ORACLE_TESTS) $(SASS_TESTS) $(SCRIPT_TESTS))
	@echo "make check: all tests passed on the GPU"

run-$(BUILD)/%.test: $(BUILD)/%.test
	@scripts/run_logged.sh $(BUILD)/$*.log $<
$(addprefix run-,$(ORACLE_TESTS)): run-%: % $(BUILD)/kairos
	@scripts/run_logged.sh $(BUILD)/$*.log env KAIROS=$(BUILD)/kairos $(PYTHON) $<
$(addprefix run-,$(SASS_TESTS)): run-%: %
	@scripts/run_logged.sh $(BUILD)/$*.log env NVCC=$(NVCC) SASS_TOOLS=$(SASS_TOOLS) $(PYTHON) $<

$(addprefix run-,$(SCRIPT_TESTS)): run-%: %
	@scripts/run_logged.sh $(BUILD)/$*.log $(PYTHON) $<

# The PTX runner and what it runs. Apart, because whatever is compiled depends on this file.
include tests/ptx/rules.mk

FORCE:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- fuzzing: each parser of outside files, under libFuzzer and the sanitizers ------------------------
FUZZERS    := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_FLAGS := -std=c11 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
FUZZ_LIBRARY := kernels/error.c $(wildcard host/io/*.c host/schedule/*.c) host/nets/edm2_config.c \
                host/nets/edm2_layout.c host/nets/convnet_config.c host/sweep/results.c \
                host/sweep/sweep_config.c host/quality/statistics.c host/quality/statistics_file.c

$(BUILD)/fuzz/%: tests/fuzz/fuzz_%.c $(FUZZ_LIBRARY)
	@mkdir -p $(@D)
	$(call show,fuzz)
	$(Q)clang $(FUZZ_FLAGS) -Ikernels -Ihost $^ -ljansson -lzip -lpng -lpthread -lm -o $@

.PHONY: fuzz
fuzz: $(addprefix run-fuzz-,$(FUZZERS))
run-fuzz-%: $(BUILD)/fuzz/%
	@mkdir -p $(BUILD)/fuzz/corpus-$*
	@scripts/run_logged.sh $(BUILD)/fuzz/$*.log $< -runs=$(RUNS) -max_len=4096 -print_final_stats=1 \
	    -artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/corpus-$* tests/fuzz/corpus/$*

# ---- what ptxas made of the kernels -------------------------------------------------------------------
# pip puts cuobjdump and nvdisasm into SASS_TOOLS, if neither PATH nor CUDA's folder has them.
SASS_TOOLS := $(BUILD)/sass-tools
.PHONY: sass-report
sass-report: $(call objects,cuda,$(filter %.cu,$(KERNELS)))
	$(Q)$(PYTHON) scripts/sass_report.py --check --cuda $(CUDA) --tools $(SASS_TOOLS) \
	    --arch $(addprefix sm_,$(CUDA_ARCHS)) --json $(BUILD)/sass-report.json $^

# ---- what users call ----------------------------------------------------------------------------------
.PHONY: deps demo bench gpu-check format format-check install
deps:
	@scripts/install-deps.sh $(TARGET)

SHIPPED := weights/fashion-mnist-edm2
SAMPLE   = $(BUILD)/kairos generate --net $(SHIPPED).safetensors --seeds 0-99 --batch 100
SCORE    = $(BUILD)/kairos evaluate --net $(SHIPPED).safetensors --ref weights/fashion-mnist-reference.safetensors \
           --seeds 0-999 --steps 8
ENTROPIC = --schedule rescaled --curve $(SHIPPED).curve.json

demo: deps
	@$(MAKE) --no-print-directory all
	$(BUILD)/kairos info --net $(SHIPPED).safetensors
	$(SAMPLE) --steps 16 --outdir out/demo --grid out/demo.png
	@echo "== The same seeds in 8 evaluations: EDM's noise levels, then equal steps in rescaled entropy"
	$(SAMPLE) --steps 8 --grid out/demo-edm-8.png
	$(SAMPLE) --steps 8 $(ENTROPIC) --grid out/demo-rescaled-8.png
	@echo "== Their Frechet distances to the training images (less is better)"
	$(SCORE)
	$(SCORE) $(ENTROPIC)
	@echo "Images: out/demo; sheets: out/demo.png, out/demo-edm-8.png and out/demo-rescaled-8.png."

bench: $(BUILD)/kairos.fast
	$(PYTHON) bench/bench_pytorch.py --kairos $<

gpu-check:
	+@scripts/gpu_check.sh

FORMATTED = $(shell git ls-files '*.c' '*.h' '*.cu' '*.cuh' '*.cpp')
format:
	clang-format -i $(FORMATTED)
format-check:
	clang-format --dry-run -Werror $(FORMATTED)

install: all
	install -D $(BUILD)/kairos $(DESTDIR)$(PREFIX)/bin/kairos
	install -d $(DESTDIR)$(PREFIX)/share/kairos/configs $(DESTDIR)$(PREFIX)/share/kairos/weights
	install -m 644 configs/*.json $(DESTDIR)$(PREFIX)/share/kairos/configs
	install -m 644 $(wildcard weights/*.safetensors weights/*.json weights/*.zip) $(DESTDIR)$(PREFIX)/share/kairos/weights
