"""One system interface a module. All ctypes of the project is here."""
