# The PTX runner, and what runs on it: nvcc's host objects, linked with tests/ptx in the place of libcudart.
#
#   make ptx          build/kairos.ptx, with the CPU target's stand-ins for cuDNN, cuBLAS and cuFFT
#   make check-ptx    the tests of kernels and of the runner, on the PTX for each of PTX_DEVICES
#   make ptx-runtime  the runner alone, which scripts/ptxrun takes
#   make ptx-tests    builds what check-ptx runs, for tests/ptx/mutate.py
#   make ptxcheck     build/ptx/ptxcheck FILE.ptx...: which instructions of a text nobody understands
#
# build/ptxrt/  objects of the runner    build/ptx/  the runner as libcudart.so.13, programs, logs
PTX_DEVICES ?= 80 90 100
PTX_PARTS   := text decode machine memory checks ops cuda report
PTX_SOURCES := $(wildcard tests/ptx/device.cpp $(PTX_PARTS:%=tests/ptx/%/*.cpp))
PTX_OBJECTS := $(PTX_SOURCES:%=$(BUILD)/ptxrt/%.o)
PTX_RUNTIME := $(BUILD)/ptx/libcudart.so.13
PTX_FLAGS   := -std=c++20 -O3 -g1 -march=$(ARCH) -ffp-contract=off -fno-math-errno -fPIC -fvisibility=hidden \
               $(WARNINGS) -Wno-restrict -isystem $(CUDA)/include
PTX_NVCC    := -std=c++17 -O3 -lineinfo $(GENCODE)
PTX_LINK    := -Wl,-rpath,$(abspath $(BUILD)/ptx)
PTX_LIBS    := -lzstd -lpthread

# The libraries that the program calls besides, and what makes them as demanding as CUDA's, and tells the
# checks what they read and write.
PTX_STANDINS  := $(call objects,fast,$(addprefix kernels/simt/,cudnn.cpp cublas.cpp cufft.cpp convolution.cpp)) \
                 $(patsubst %,$(BUILD)/ptxrt/%.o,$(wildcard tests/ptx/libraries/*.cpp))
PTX_WRAPPED   := cudnnSetTensor4dDescriptor cudnnSetFilter4dDescriptor cudnnGetConvolutionForwardAlgorithm_v7 \
                 cudnnGetConvolutionForwardWorkspaceSize cudnnConvolutionForward \
                 cufftMakePlanMany cufftSetWorkArea cufftExecR2C
PTX_STANDIN_LIBS := $(PTX_WRAPPED:%=-Wl$(comma)--wrap=%) -fopenmp -ldnnl -lopenblas -lfftw3f

# Compiled again when the options change.
PTX_OPTIONS := $(BUILD)/ptxrt/options
$(PTX_OPTIONS): FORCE
	@mkdir -p $(@D)
	@echo '$(PTX_FLAGS) $(PTX_NVCC)' | cmp -s - $@ || echo '$(PTX_FLAGS) $(PTX_NVCC)' >$@

$(BUILD)/ptxrt/%.cpp.o: %.cpp $(PTX_OPTIONS)
	@mkdir -p $(@D)
	$(call show,c++ )
	$(Q)$(CXX) $(PTX_FLAGS) $(PTX_INCLUDE) -MMD -MP -c $< -o $@

# Not in PTX_FLAGS: what is set for a target holds for what it needs too, and so for PTX_OPTIONS.
$(BUILD)/ptxrt/tests/ptx/libraries/%.cpp.o: PTX_INCLUDE = $(INCLUDE_simt)

$(PTX_RUNTIME): $(PTX_OBJECTS) tests/ptx/cuda/exports.map
	@mkdir -p $(@D)
	$(call show,link)
	$(Q)$(CXX) -shared -Wl,-soname,libcudart.so.13 -Wl,--version-script=tests/ptx/cuda/exports.map -Wl,-z,defs \
	    $(PTX_OBJECTS) $(PTX_LIBS) -o $@
	@ln -sf libcudart.so.13 $(@D)/libcudart.so
	@ln -sf libcudart.so.13 $(@D)/libcuda.so.1

# ---- the program, and the tests of kernels ----------------------------------------------------------
.PHONY: ptx ptx-runtime ptx-tests ptxcheck check-ptx
ptx: $(BUILD)/kairos.ptx
ptx-runtime: $(PTX_RUNTIME)

$(BUILD)/kairos.ptx: $(call program_objects,cuda) $(PTX_STANDINS) $(PTX_RUNTIME)
	$(call show,link)
	$(Q)$(CC) $^ $(PTX_LINK) $(PTX_STANDIN_LIBS) $(LIBS) -o $@

$(BUILD)/ptx/tests/kernels/%.test: $(BUILD)/cuda/tests/kernels/%.o $(call objects,cuda,$(SUPPORT)) \
                                   $(call library_objects,cuda) $(PTX_STANDINS) $(PTX_RUNTIME)
	@mkdir -p $(@D)
	$(call show,link)
	$(Q)$(CC) $^ $(PTX_LINK) $(PTX_STANDIN_LIBS) -Wl,--wrap=cudnn_most_values $(LIBS) -lcmocka -o $@

# ---- tests of the runner itself: .cu files are programs for it, .cpp files call its parts, .py files its scripts ----
# trust/: algorithms that others wrote, and that run on GPUs.
PTX_PROGRAM_TESTS := $(wildcard tests/ptx/tests/test_*.cu tests/ptx/trust/*.cu)
PTX_PART_TESTS    := $(wildcard tests/ptx/tests/test_*.cpp)
PTX_SCRIPT_TESTS  := $(wildcard tests/ptx/tests/test_*.py)

$(BUILD)/ptx/%.cu.o: %.cu $(PTX_OPTIONS)
	@mkdir -p $(@D)
	$(call show,nvcc)
	$(Q)$(NVCC) $(PTX_NVCC) -Itests/ptx -MMD -MP -c $< -o $@

$(BUILD)/ptx/tests/ptx/%.cu.test: $(BUILD)/ptx/tests/ptx/%.cu.o $(PTX_RUNTIME)
	$(call show,link)
	$(Q)$(CXX) $^ $(PTX_LINK) -o $@

$(BUILD)/ptx/tests/ptx/%.cpp.test: $(BUILD)/ptxrt/tests/ptx/%.cpp.o $(PTX_OBJECTS)
	@mkdir -p $(@D)
	$(call show,link)
	$(Q)$(CXX) $^ $(PTX_LIBS) -o $@

$(BUILD)/ptx/ptxcheck: $(BUILD)/ptxrt/tests/ptx/tools/ptxcheck.cpp.o $(PTX_OBJECTS)
	@mkdir -p $(@D)
	$(call show,link)
	$(Q)$(CXX) $^ $(PTX_LIBS) -o $@
ptxcheck: $(BUILD)/ptx/ptxcheck

PTX_PROGRAMS := $(patsubst %,$(BUILD)/ptx/%.test,$(KERNEL_TESTS) $(PTX_PROGRAM_TESTS))
PTX_TESTS    := $(PTX_PROGRAMS) $(PTX_PART_TESTS:%=$(BUILD)/ptx/%.test)
ptx-tests: $(PTX_TESTS) $(BUILD)/ptx/ptxcheck

ifneq ($(wildcard $(NVCC)),)
check-ptx: $(foreach d,$(PTX_DEVICES),$(PTX_PROGRAMS:%=run-ptx-$(d)-%)) $(KERNEL_TESTS:%=run-ptx-small-$(BUILD)/ptx/%.test) \
           $(PTX_PART_TESTS:%=run-ptx-$(BUILD)/ptx/%.test) \
           $(PTX_SCRIPT_TESTS:%=run-ptx-%) run-ptx-faults
	@echo "make check-ptx: all tests passed"
else
check-ptx:
	@echo "make check-ptx: skipped, for there is no nvcc"
endif

define ptx_run_rule
$(PTX_PROGRAMS:%=run-ptx-$(1)-%): run-ptx-$(1)-%: %
	@scripts/run_logged.sh $$(basename $$<).$(1).log env KAIROS_PTX_DEVICE=$(1) $$<
endef
$(foreach d,$(PTX_DEVICES),$(eval $(call ptx_run_rule,$(d))))
# A device of one multiprocessor has few blocks, which take many items each.
PTX_KERNEL_TESTS := $(KERNEL_TESTS:%=$(BUILD)/ptx/%.test)
$(PTX_KERNEL_TESTS:%=run-ptx-small-%): run-ptx-small-%: %
	@scripts/run_logged.sh $(basename $<).small.log env KAIROS_PTX_MULTIPROCESSORS=1 $<
$(PTX_PART_TESTS:%=run-ptx-$(BUILD)/ptx/%.test): run-ptx-%: %
	@scripts/run_logged.sh $(basename $<).log $<
$(PTX_SCRIPT_TESTS:%=run-ptx-%): run-ptx-%: % $(PTX_RUNTIME)
	@scripts/run_logged.sh $(BUILD)/ptx/$(basename $<).log env BUILD=$(BUILD) $(PYTHON) $<
run-ptx-tests/ptx/tests/test_program.py: $(BUILD)/kairos.ptx $(BUILD)/kairos.fast
run-ptx-faults: $(PTX_RUNTIME)
	@scripts/run_logged.sh $(BUILD)/ptx/faults.log $(PYTHON) tests/ptx/run_faults.py --runtime $< --build $(BUILD)/ptx/faults --nvcc $(NVCC)
