"""What this build is, and what it found on this machine."""


def show_config():
    """Print the instruction-set level, threads, build flags and versions: what a bug report needs.

    Examples
    --------
    >>> import cyact
    >>> cyact.show_config()  # doctest: +ELLIPSIS
    cyact ...
    """
    import platform

    import numpy

    import cyact
    from cyact import cpu, parallel

    openmp = "OpenMP" if parallel.has_openmp else "built without OpenMP"
    print(f"cyact        {cyact.__version__}")
    print(f"level        {parallel.level_name} (this machine can run {', '.join(cpu.levels())}; CYACT_LEVEL forces one)")
    print(f"threads      {parallel.get_num_threads()} ({openmp})")
    print(f"build flags  {parallel.build_flags}")
    print(f"compiler     {parallel.compiler}")
    print(f"Python       {platform.python_version()}, NumPy {numpy.__version__}, {platform.platform()}")
