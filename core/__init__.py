"""The shell. It finds apps by entry point and never imports one."""
