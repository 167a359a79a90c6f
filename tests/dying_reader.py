"""What a parser looks like that a hostile file has broken."""

import os
import signal

if __name__ == "__main__":
    os.kill(os.getpid(), signal.SIGSEGV)
