ptm run $FIX/loop.pt -i 100 --max-steps 10000
