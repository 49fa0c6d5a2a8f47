head -c 60 $FIX/image.png > a.png; ptm run $FIX/image.pt -i a.png
