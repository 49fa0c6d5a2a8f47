ptm run $FIX/literals.pt --method tabel
