from qfzz.dj.personalized_dj import PersonalizedDJ
dj = PersonalizedDJ()
