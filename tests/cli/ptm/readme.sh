cd $TOP; scripts/readme-examples | diff README.md - && echo same
