"""The students of the demo school: invented people at domains reserved for examples."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DemoStudent:
    """One student, as the `users` table will hold them."""

    name: str
    email: str


def students() -> tuple[DemoStudent, ...]:
    """Return the sixty students, always the same ones in the same order."""
    return tuple(DemoStudent(name, f"{mailbox}@example.org") for name, mailbox in _NAMES)


# Mailboxes are spelled out: how people write their own name in ASCII follows no rule.
_NAMES = (
    ("Adaeze Okonkwo", "adaeze.okonkwo"),
    ("Agnieszka Wójcik", "agnieszka.wojcik"),
    ("Aiko Tanabe", "aiko.tanabe"),
    ("Alejandro Fuentes", "alejandro.fuentes"),
    ("Amira Haddad", "amira.haddad"),
    ("Anders Lindqvist", "anders.lindqvist"),
    ("Aoife Brennan", "aoife.brennan"),
    ("Arash Moradi", "arash.moradi"),
    ("Beatriz Carvalho", "beatriz.carvalho"),
    ("Bongani Dlamini", "bongani.dlamini"),
    ("Camille Rousseau", "camille.rousseau"),
    ("Chidi Eze", "chidi.eze"),
    ("Ciarán O'Dowd", "ciaran.odowd"),
    ("Daniela Ionescu", "daniela.ionescu"),
    ("Deniz Öztürk", "deniz.ozturk"),
    ("Dilnoza Karimova", "dilnoza.karimova"),
    ("Elif Şahin", "elif.sahin"),
    ("Emeka Nwosu", "emeka.nwosu"),
    ("Eszter Kovács", "eszter.kovacs"),
    ("Farida Rahimi", "farida.rahimi"),
    ("Finn Johannsen", "finn.johannsen"),
    ("Gabriela Quispe", "gabriela.quispe"),
    ("Giulia Marchetti", "giulia.marchetti"),
    ("Hamza Benali", "hamza.benali"),
    ("Hana Dvořáková", "hana.dvorakova"),
    ("Hinemoa Parata", "hinemoa.parata"),
    ("Ibrahim Diallo", "ibrahim.diallo"),
    ("Ingrid Sørensen", "ingrid.soerensen"),
    ("Isabel Navarro", "isabel.navarro"),
    ("Jakub Zieliński", "jakub.zielinski"),
    ("Jamal Whitaker", "jamal.whitaker"),
    ("Jin-ah Seo", "jinah.seo"),
    ("Jürgen Vogt", "juergen.vogt"),
    ("Kalina Petrova", "kalina.petrova"),
    ("Kavita Deshpande", "kavita.deshpande"),
    ("Kwame Asante", "kwame.asante"),
    ("Lars van den Berg", "lars.vandenberg"),
    ("Leilani Kahale", "leilani.kahale"),
    ("Liu Meiling", "liu.meiling"),
    ("Luca Ferraro", "luca.ferraro"),
    ("Magdalena Gruber", "magdalena.gruber"),
    ("Malik Johnson", "malik.johnson"),
    ("Mariam Gelashvili", "mariam.gelashvili"),
    ("Mateo Villalba", "mateo.villalba"),
    ("Nadia Kowalenko", "nadia.kowalenko"),
    ("Ngọc Anh Phạm", "ngocanh.pham"),
    ("Niamh Gallagher", "niamh.gallagher"),
    ("Nikos Papadakis", "nikos.papadakis"),
    ("Olivia Thornbury", "olivia.thornbury"),
    ("Oluwaseun Adeyemi", "oluwaseun.adeyemi"),
    ("Priya Raghunathan", "priya.raghunathan"),
    ("Rafael Monteiro", "rafael.monteiro"),
    ("Ruth Abramowicz", "ruth.abramowicz"),
    ("Samira El-Khoury", "samira.elkhoury"),
    ("Siddharth Menon", "siddharth.menon"),
    ("Siiri Lehtonen", "siiri.lehtonen"),
    ("Tariq Siddiqui", "tariq.siddiqui"),
    ("Tomás Echeverría", "tomas.echeverria"),
    ("Wanjiru Kamau", "wanjiru.kamau"),
    ("Yael Ben-Ami", "yael.benami"),
)
