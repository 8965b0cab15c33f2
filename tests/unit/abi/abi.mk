# SPDX-License-Identifier: MIT
# The guest ABI headers against Debian's libxen-dev. Needs gcc, clang, python3-pycparser and libxen-dev.
# Also works alone, from the root of the tree: make -f tests/unit/abi/abi.mk test-abi

.PHONY: test-abi
test-abi: ## Compare the guest ABI headers with Debian's libxen-dev
	@$(or $(PYTHON),python3) tests/unit/abi/abi_test.py --include xen-lite/include
