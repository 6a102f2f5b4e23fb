"""Hashes of one password as other programs write them, made by the programs that are named."""

PASSWORD = "Grüße, correct horse"
LONG = "x" * 80

WRITTEN = {
    # Django 5.2, its hashers with few rounds.
    "django pbkdf2": "pbkdf2_sha256$1000$4nMkTKZw7YjZGShGeHIwr8"
    "$+/IpI7qM0LFEBmuG8Ek8FzCeREGYznwwCZF6WI80BmU=",
    "django pbkdf2 sha1": "pbkdf2_sha1$1000$VkxvtZO1EXk0WvSJ8Lx9Ib$nL7kIQLsgwA4d6dtVrk3pPug//I=",
    "django bcrypt of a digest": "bcrypt_sha256$$2b$04$fzHmXNTMTQs5S8CJaua7VO"
    "EOTgUI7H87i0cpuTkFtj7/QBTYKFxsa",
    "django bcrypt": "bcrypt$$2b$04$o3Lmb99glkGuwGeVf56HV.esV7mhlzCzA5Z6MWvdQZk/pHZ0lML6m",
    "django scrypt": "scrypt$1024$DQKNjM2Adt7kYSIXCB9G7s$8$5$6HwCPgQ2jeJmdqHfAyZDjU678zFnEYww0ylbb"
    "DDOoOTP6BtEE567yDywdScJv8uu4Sw8MCgTbB4pO8JYQJClWQ==",
    "django argon2": "argon2$argon2id$v=19$m=8,t=1,p=1$TlNBNURDYWhCT0hpQlplSDJXTUlOMA"
    "$P0M1Eojl1N+V+wJKmhYcR6cTug1ggnUqBvv/HXOz5Tw",
    # werkzeug 3.1.9
    "werkzeug scrypt": "scrypt:1024:8:1$slw6IBGrJ7LfsWyd$f43336f2b4ee50dbc5ad193b03e0fc97f59faa4d2"
    "4422fc9c0d3cb163e5c9f7630a2e76105af984a6019f377e5e243a2d44af4057df709f68179eb690ace9585",
    "werkzeug pbkdf2": "pbkdf2:sha256:1000$lRYPH1pNUx7PlnnV"
    "$0f2cf284afc41a4a7c03049ae64883c39fa4d108a763f87b7bb989e83e3e0c00",
    # npm: better-auth 1.7.25, bcryptjs 3.0.3, argon2 0.45.1
    "better-auth": "802e3faa85e0b075bec2509e0db12025:6bd25cae519a64dde92a3e00a06d1fb0e773fb6079f9"
    "9e1d64b7dadcdc320316aa396c56f667a0fc5ae14671ff229df0a85b92d8085f12dfaf7f226d0df0d3ec",
    "bcryptjs": "$2b$04$Js0Eop2wm30jCfiPLLHwNeMxkvl38l37hRxE2N88b7mpoSXJSYxuq",
    "bcrypt 2a": "$2a$04$Js0Eop2wm30jCfiPLLHwNeMxkvl38l37hRxE2N88b7mpoSXJSYxuq",
    "npm argon2": "$argon2id$v=19$m=64,p=1,t=1$kd7GziXIaG3pZV7uUs4eTQ"
    "$XYYm4m1LJhVa+5FqKyVJX5vaR2XeETnGSD4EdiMqLpI",
    "a blank after it": "$argon2id$v=19$m=64,t=1,p=1$kd7GziXIaG3pZV7uUs4eTQ"
    "$XYYm4m1LJhVa+5FqKyVJX5vaR2XeETnGSD4EdiMqLpI \n",
    # PHP 8.2: password_hash; as wp_hash_password of WordPress 6.8; crypt as Moodle calls it.
    "php": "$2y$04$YMHnbc6NkgkV8FTmlcNxZOmmluHze6hu/Hj4fEdF5.jeFp9s5mvoq",
    "wordpress 6.8": "$wp$2y$04$3HvIihbf59No5hWrBQ6/Yu7Y3Wyr1tJmeaVHz6O3nfrn8wr3tvH4y",
    "moodle": "$6$rounds=10000$abcdefghijklmnop$UsfefIyNaZqMuK6BLzNSVC8djnj6DVrftY8MpILqVmDdhn"
    "/TSOG6Wfy4lEL9LcovgVtFH1S0tDsPaosD.CFox1",
    # libpass 1.9.4
    "phpass": "$P$5c3fZYgQdN1.Y8pY/rmbTlebQcpxz01",
}
OF_LONG = "$2b$04$qtYP.XYfuQSINMsx2qZut.3toFkE3m1f/6GHCAe/P2rpCcozjBW5."
"""By bcryptjs 3.0.3, which reads 72 bytes of a password."""
