ptm run $FIX/literals.pt -m two -i secnod=[1.0]
