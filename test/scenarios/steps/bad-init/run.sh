echo not printed
