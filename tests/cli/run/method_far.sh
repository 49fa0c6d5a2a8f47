ptm run $FIX/literals.pt --method zzzzzzzz
