ptm run $FIX/literals.pt; ptm run $FIX/literals.pt -i 16000; ptm run $FIX/literals.pt -i scale=2
