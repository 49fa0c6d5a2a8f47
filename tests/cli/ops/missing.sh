ptm ops --missing linalg_eigvals
