cd $E2E/digits; ptm run digits.pt --input seven.png --resize 32 --crop 32 --mean 0.5 --std 0.5 --labels digits.txt --top 3
