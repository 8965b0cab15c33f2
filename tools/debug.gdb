# SPDX-License-Identifier: MIT
#
# For gdb on a machine started by `make debug`.

set pagination off
set confirm off
set architecture i386:x86-64
set disassembly-flavor intel

define attach_machine
    python
import time
for attempt in range(50):
    try:
        gdb.execute("target remote 127.0.0.1:$arg0")
        break
    except gdb.error:
        time.sleep(0.1)
else:
    raise gdb.GdbError("no machine answers on port $arg0")
    end
    # Breakpoints by hardware: the image is not in memory before GRUB has loaded it.
    echo \nStopped at the first instruction. Set breakpoints with hbreak, then continue. For example:\n
    echo \ \ hbreak domain_build\n\ \ continue\n
end
document attach_machine
attach_machine PORT: connect to QEMU, waiting up to five seconds for it.
end
